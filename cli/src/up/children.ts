/**
 * Child processes of `millrace up`: each in a process group of its own, so that Ctrl-C reaches only `up`, which then stops
 * them in order. A child whose standard input ends stops too: nothing is left behind when `up` itself is killed. One that
 * dies is started again, after 0.5 s and at most 5 s.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'

export interface ChildSpec {
  name: string
  script: string
  /** The script is a program itself, not one for node. */
  isProgram?: boolean
  /** Asked at each start. */
  args: () => string[]
  nodeOptions?: string[]
  /** Resolves `ready` at the first line that matches, of standard output or error. */
  readyWhen: RegExp
  logFile: string
  restarts: boolean
  onLine?: (line: string) => void
}

export interface Child {
  name: string
  ready: Promise<void>
  pid(): number | undefined
  /** Resolves when one that is not started again has ended. */
  ended: Promise<void>
  /** Writes a line to the child's standard input. */
  tell(line: string): void
  stop(): Promise<void>
}

export function startChild(spec: ChildSpec, say: (text: string) => void): Child {
  let child: ChildProcess
  let isStopping = false
  let delayMs = 500
  let exited: Promise<void>
  const { promise: ready, resolve: becomeReady } = Promise.withResolvers<void>()
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const logFile = createWriteStream(spec.logFile, { flags: 'a' })

  function start(): void {
    const startedMs = performance.now()
    const command = spec.isProgram ? [spec.script] : [process.execPath, ...(spec.nodeOptions ?? []), spec.script]
    child = spawn(command[0]!, [...command.slice(1), ...spec.args()], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, STOP_WITH_PARENT: '1', NODE_BINARY: process.execPath },
    })
    child.stdin!.on('error', () => {})
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        logFile.write(`${line}\n`)
        if (spec.readyWhen.test(line)) becomeReady()
        spec.onLine?.(line)
        if (line.includes('"level":"error"')) say(`${spec.name}: ${messageOf(line)}`)
      })
    }
    exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        resolve()
        if (isStopping || !spec.restarts) return end()
        say(`${spec.name} ended (${signal ?? `code ${code}`}); starting it again`)
        delayMs = performance.now() - startedMs > 10_000 ? 500 : Math.min(5000, delayMs * 2)
        setTimeout(() => {
          if (!isStopping) start()
        }, delayMs)
      })
    })
  }

  start()
  return {
    name: spec.name,
    ready,
    pid: () => child.pid,
    ended,
    tell: (line) => void child.stdin!.write(`${line}\n`),
    async stop() {
      isStopping = true
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const kill = setTimeout(() => child.kill('SIGKILL'), 12_000)
      await exited
      clearTimeout(kill)
      logFile.end()
    },
  }
}

function messageOf(line: string): string {
  try {
    return JSON.parse(line).message
  } catch {
    return line
  }
}
