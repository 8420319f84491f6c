// Installs the workspace's packages when they are missing or older than the lock file, so that every npm script works on a fresh
// clone. Plain JavaScript: it runs on the system's Node, before the project's own Node 24 is there.
import { spawn } from 'node:child_process'
import { existsSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..')
const installed = join(root, 'node_modules/.package-lock.json')
/** Node keeps sources here as it compiled them, and removes none: an installation begins with an empty folder. */
export const compiled = join(root, '.cache/compiled')
/** Between two lines while npm says nothing. */
const silentMs = 3000

export async function install() {
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs) return
  console.error('Installing packages (once) ...')
  rmSync(compiled, { recursive: true, force: true })
  const startedMs = Date.now()
  const saying = setInterval(() => {
    console.error(`npm is installing packages (${Math.round((Date.now() - startedMs) / 1000)} s)`)
  }, silentMs)
  const code = await runNpm()
  clearInterval(saying)
  if (code === 0) return
  console.error('npm install failed. Check that this machine reaches an npm registry, then run the command again.')
  process.exit(1)
}

// Not `npm ci`: it refuses a lock file that lacks an optional package of another platform, which a registry may not offer.
function runNpm() {
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', '--progress=false']
  const npm = spawn('npm', args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  const end = (signal) => {
    npm.kill(signal)
    process.exit(130)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.once(signal, end)
  return new Promise((resolve) => {
    npm.once('error', () => resolve(1))
    npm.once('exit', (code) => resolve(code ?? 1))
  }).finally(() => {
    // What is started next has its own way to end.
    for (const signal of signals) process.off(signal, end)
  })
}
