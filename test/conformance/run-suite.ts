/** Runs a vitest suite as a test program: 0 held, 77 the engine is not there, else failed. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { engines } from '../engines/index.ts'

export async function runSuite(engine: keyof typeof engines, file: string): Promise<never> {
  const { find, variable } = engines[engine]
  if (!process.env[variable] && process.env.ENGINES_GET !== '1' && !(await find())) {
    console.log(`${engine} is not there. Run: npm run engines -- ${engine}`)
    process.exit(77)
  }
  const here = fileURLToPath(new URL('.', import.meta.url))
  const env = { ...process.env, SUITE_ENGINE: engine }
  const args = ['vitest', 'run', '--config', `${here}vitest.config.ts`, `${here}${file}`]
  process.exit(spawnSync('npx', ['--no-install', ...args], { stdio: 'inherit', env }).status ?? 1)
}
