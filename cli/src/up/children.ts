/**
 * Child processes of `millrace up`: each in a process group of its own, so that Ctrl-C reaches only `up`, which then stops
 * them in order. A child whose standard input ends stops too: nothing is left behind when `up` itself is killed. One that
 * dies is started again, after 0.5 s and at most 5 s.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, type WriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { backOffMs } from '@millrace/platform'

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
  /** It ended because its user sent it SIGINT or SIGTERM. Absent: it is started again then, as after any other end. */
  onAsked?: () => void
}

const restartMs = { least: 500, most: 5000 }
/** A child that ran for longer starts again after the least delay. */
const steadyMs = 10_000
const killAfterMs = 12_000
/** What every process of Millrace logs when it stops because of a signal. */
const askedLine = /"why":"SIG(?:INT|TERM)"/

export class Child {
  readonly name: string
  readonly ready: Promise<void>
  /** Resolves when one that is not started again has ended. */
  readonly ended: Promise<void>
  readonly #spec: ChildSpec
  readonly #say: (text: string) => void
  readonly #logFile: WriteStream
  readonly #becomeReady: () => void
  readonly #end: () => void
  #process: ChildProcess
  #exited!: Promise<void>
  #isStopping = false
  /** It said that it stops because of a signal, which was not this process's. */
  #isAsked = false
  /** In a row, with the next. */
  #failures = 1

  constructor(spec: ChildSpec, say: (text: string) => void) {
    const { promise: ready, resolve: becomeReady } = Promise.withResolvers<void>()
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    this.name = spec.name
    this.ready = ready
    this.ended = ended
    this.#becomeReady = becomeReady
    this.#end = end
    this.#spec = spec
    this.#say = say
    this.#logFile = createWriteStream(spec.logFile, { flags: 'a' })
    this.#process = this.#start()
  }

  pid(): number | undefined {
    return this.#process.pid
  }

  /** Writes a line to the child's standard input. */
  tell(line: string): void {
    this.#process.stdin!.write(`${line}\n`)
  }

  async stop(): Promise<void> {
    const process = this.#process
    this.#isStopping = true
    if (process.exitCode !== null || process.signalCode !== null) return
    process.kill('SIGTERM')
    const kill = setTimeout(() => process.kill('SIGKILL'), killAfterMs)
    await this.#exited
    clearTimeout(kill)
    this.#logFile.end()
  }

  #start(): ChildProcess {
    const { isProgram, nodeOptions = [], script, args } = this.#spec
    const startedMs = performance.now()
    const [command, ...first] = isProgram ? [script] : [process.execPath, ...nodeOptions, script]
    const child = spawn(command!, [...first, ...args()], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, STOP_WITH_PARENT: '1', NODE_BINARY: process.execPath },
    })
    child.stdin.on('error', () => {})
    for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', (line) => this.#read(line))
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        resolve()
        this.#hasEnded(signal ?? `code ${code}`, performance.now() - startedMs)
      })
    })
    return child
  }

  #read(line: string): void {
    this.#logFile.write(`${line}\n`)
    if (this.#spec.readyWhen.test(line)) this.#becomeReady()
    if (askedLine.test(line)) this.#isAsked = true
    this.#spec.onLine?.(line)
    if (line.includes('"level":"error"')) this.#say(`${this.name}: ${messageOf(line)}`)
  }

  #hasEnded(how: string, afterMs: number): void {
    if (this.#isStopping || !this.#spec.restarts) return this.#end()
    if (this.#spec.onAsked && (this.#isAsked || /^SIG(?:INT|TERM)$/.test(how))) {
      this.#say(`${this.name} was told to stop, so everything stops; after kill -9 it is started again`)
      this.#spec.onAsked()
      return this.#end()
    }
    this.#say(`${this.name} ended (${how}); starting it again`)
    this.#failures = afterMs > steadyMs ? 1 : this.#failures + 1
    setTimeout(
      () => {
        if (!this.#isStopping) this.#process = this.#start()
      },
      backOffMs(this.#failures, restartMs.least, restartMs.most),
    )
  }
}

function messageOf(line: string): string {
  try {
    return JSON.parse(line).message
  } catch {
    return line
  }
}
