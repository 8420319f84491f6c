/** `npm start` as a user types it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { delimiter, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { CannotRun, type Program } from './program.ts'

const repository = resolve(import.meta.dirname, '../..')

export interface Started {
  /** Leader of the process group that a terminal's Ctrl-C would reach. */
  pid: number
  url: string
  /** When `up` began to start its processes. */
  atMs: number
  ended: Promise<number | null>
}

/** `npm start` of the machine's own npm and Node, in a process group of its own, as a shell starts it. */
export async function npmStart({ atEnd, say }: Program, data: string, port: number): Promise<Started> {
  // A program that runs in the background of a script ignores SIGINT, and what it starts would too.
  const args = ['--default-signal=INT', 'npm', 'start', '--', '--data', data, '--port', `${port}`]
  const child = spawn('env', args, {
    cwd: repository,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: userEnvironment(),
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  atEnd(() => child.exitCode === null && child.signalCode === null && endGroup(child, ended))
  const startedMs = Date.now()
  const started = await new Promise<{ atMs: number; url: string }>((done, fail) => {
    let atMs = startedMs
    child.once('error', () => fail(new CannotRun('there is no npm on the PATH')))
    child.once('exit', (code) => fail(new Error(`npm start ended with ${code}`)))
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (line.startsWith('Starting Millrace')) atMs = Date.now()
      const [, url] = /Millrace runs:\s+(\S+)/.exec(line) ?? []
      if (url) done({ atMs, url })
    })
  })
  say(`npm start: ${started.url}, ${started.atMs - startedMs} ms for npm, ${Date.now() - started.atMs} ms for the processes`)
  return { ...started, pid: child.pid!, ended }
}

/** Without what an npm script around this program sets, and without the project's own Node. */
export function userEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_OPTIONS$|^STARTED_BY$/.test(name))
  const path = (process.env.PATH ?? '').split(delimiter).filter((part) => !part.includes('node_modules'))
  return { ...Object.fromEntries(own), PATH: path.join(delimiter) }
}

async function endGroup(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  process.kill(-child.pid!, 'SIGINT')
  await ended
}
