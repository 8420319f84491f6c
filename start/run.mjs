// Runs a program of the project on the project's own Node 24, after the packages are installed:
//
//     node start/run.mjs cli/src/main.ts up --port 9000        a source file
//     node start/run.mjs biome check .                         a command of node_modules/.bin
//
// Plain JavaScript: it runs on the system's Node. It passes signals on, and ends its program when the process that started it is
// gone: a shell between npm and this process ends on a signal and passes nothing on.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { compiled, install } from './install.mjs'

const parent = process.ppid
const root = join(new URL('.', import.meta.url).pathname, '..')
const bin = join(root, 'node_modules/.bin')
const [program, ...args] = process.argv.slice(2)

await install()
const [command, ...before] = /\.[a-z]+$/.test(program) ? [nodePath(), join(root, program)] : [join(bin, program)]
const child = spawn(command, [...before, ...args], {
  stdio: 'inherit',
  env: {
    // Every process and worker loads sources: a processor that finds them compiled starts in half the time.
    NODE_COMPILE_CACHE: compiled,
    ...process.env,
    PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
    STARTED_BY: `${process.pid}`,
  },
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
const watching = setInterval(() => {
  if (process.ppid === parent) return
  clearInterval(watching)
  child.kill('SIGTERM')
}, 250)
child.once('error', (error) => {
  console.error(`${command} cannot be started: ${error.message}`)
  process.exit(1)
})
child.once('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)))

function nodePath() {
  const own = join(bin, 'node')
  if (existsSync(own)) return own
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  console.error(`Millrace needs Node 24, and npm has no package of it for ${process.platform}-${process.arch}. Install Node 24.`)
  process.exit(1)
}
