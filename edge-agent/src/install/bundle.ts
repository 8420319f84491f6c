/**
 * Makes `dist/main.mjs` and `dist/sqlite-worker.mjs`: the agent and its storage thread, each one file of plain JavaScript with
 * all of our own code; npm's packages stay where they are. Run by bin/start.mjs.
 */
import { renameSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '@millrace/platform'
import { build } from 'esbuild'

const source = join(import.meta.dirname, '..')
const dist = join(source, '../dist')
const files = ['sqlite-worker.mjs', 'main.mjs']

const startedS = Date.now() / 1000
const making = `${dist}/making-${process.pid}`
try {
  await build({
    entryPoints: { main: join(source, 'main.ts'), 'sqlite-worker': join(source, 'outbox/sqlite-worker.ts') },
    outdir: making,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Names stay, so that a stack trace can be read.
    minifyWhitespace: true,
    external: ['mqtt', 'mqtt-packet', 'serialport', 'yaml', 'zod'],
    legalComments: 'none',
    logLevel: 'error',
  })
  makeFolder(dist, 0o755)
  for (const file of files) {
    // A source that was changed while this ran is newer than the bundle.
    utimesSync(join(making, file), startedS, startedS)
    renameSync(join(making, file), join(dist, file))
  }
} finally {
  rmSync(making, { recursive: true, force: true })
}
