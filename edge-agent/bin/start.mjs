/**
 * Starts the agent from its bundle (`dist/`), in plain JavaScript: stripping types in the process itself would cost 40 MB that
 * it never gives back. In a checkout the bundle is made first, in a process of its own, whenever a source is newer.
 * Why, and what was measured: docs/decisions/0004-agent-memory.md
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const bundle = join(import.meta.dirname, '../dist/main.mjs')
const bundler = join(import.meta.dirname, '../src/install/bundle.ts')

if (existsSync(bundler) && !isFresh()) {
  const { status, stderr } = spawnSync(process.execPath, [bundler], { encoding: 'utf8' })
  if (status !== 0) complain(stderr)
}
await import(isFresh() ? bundle : '../src/main.ts')

/** Made after the last change of whatever goes into it; installed without sources it always is. */
function isFresh() {
  if (!existsSync(bundle)) return false
  const madeMs = statSync(bundle).mtimeMs
  const folders = ['edge-agent', 'contract', 'alarms'].map((name) => join(root, name, 'src')).filter(existsSync)
  const sources = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  )
  return [...sources, join(root, 'package-lock.json')].filter(existsSync).every((file) => statSync(file).mtimeMs < madeMs)
}

function complain(detail) {
  const [time, level, component] = [new Date().toISOString(), 'warn', 'agent']
  const message = 'the agent could not be bundled; it runs from its sources and takes 40 MB more'
  process.stderr.write(`${JSON.stringify({ time, level, component, message, detail })}\n`)
}
