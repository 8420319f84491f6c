/**
 * One of our programs as a real process that is killed, stopped and started again on purpose. Its standard input is held open:
 * when this process ends, so does it. What it does unasked is told, because then it is a finding.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { hear } from './held-up.ts'

export interface ProcessSpec {
  name: string
  command: string
  args: string[]
  /** Of standard output or error, when it does its work. */
  readyWhen: RegExp
  logFile: string
  onLine?: (line: string) => void
  /** Lines that it writes to file descriptor 3; one torn by a kill is left out. */
  onObserved?: (line: string) => void
  /** It ended though nobody killed or stopped it. */
  onUnexpectedEnd: (how: string) => void
}

export interface RealProcess {
  name: string
  pid(): number | undefined
  /** Ready, neither ended nor paused. */
  isUp(): boolean
  isRunning(): boolean
  /** Resolves when it is ready; rejects when it ends before, unless it was killed. */
  start(): Promise<void>
  /** SIGKILL. Resolves with whether it was that which ended it. */
  kill(): Promise<boolean>
  /** SIGSTOP. Resolves with whether Linux says that it is stopped. */
  pause(): Promise<boolean>
  resume(): void
  tell(line: string): void
  /** SIGTERM, and SIGKILL when that does not help; resolves with how it ended. */
  stop(): Promise<string>
}

const stopMsMax = 15_000

export function realProcess(spec: ProcessSpec): RealProcess {
  const log = createWriteStream(spec.logFile, { flags: 'a' })
  let child: ChildProcess | undefined
  let ended: Promise<string> = Promise.resolve('never started')
  let isReady = false
  let isPaused = false
  let isExpected = false
  let resumedMs: number | undefined

  function start(): Promise<void> {
    isReady = isPaused = isExpected = false
    const started = spawn(spec.command, spec.args, {
      stdio: ['pipe', 'pipe', 'pipe', spec.onObserved ? 'pipe' : 'ignore'],
      detached: true,
      env: { ...process.env, STOP_WITH_PARENT: '1', NODE_BINARY: process.execPath },
    })
    child = started
    started.stdin!.on('error', () => {})
    if (spec.onObserved) wholeLines(started.stdio[3] as NodeJS.ReadableStream, spec.onObserved)
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
    for (const stream of [started.stdout!, started.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        log.write(`${line}\n`)
        hear(spec.name, line, isPaused ? Date.now() : resumedMs)
        if (child === started && spec.readyWhen.test(line)) {
          isReady = true
          resolve()
        }
        spec.onLine?.(line)
      })
    }
    ended = new Promise((resolveEnd) => {
      started.once('error', (error) => resolveEnd(`${error}`))
      started.once('exit', (code, signal) => resolveEnd(signal ?? `code ${code}`))
    })
    void ended.then((how) => {
      if (child !== started) return
      isReady = false
      if (isExpected) resolve()
      else {
        spec.onUnexpectedEnd(how)
        reject(new Error(`${spec.name} ended by itself: ${how}; see ${spec.logFile}`))
      }
    })
    ready.catch(() => {})
    return ready
  }

  const isRunning = () => child !== undefined && child.exitCode === null && child.signalCode === null

  return {
    name: spec.name,
    pid: () => (isRunning() ? child!.pid : undefined),
    isUp: () => isRunning() && isReady && !isPaused,
    isRunning,
    start,
    async kill() {
      if (!isRunning()) return false
      isExpected = true
      isReady = false
      child!.kill('SIGKILL')
      return (await ended) === 'SIGKILL'
    },
    async pause() {
      const victim = child!
      if (!isRunning() || isPaused || !victim.kill('SIGSTOP')) return false
      isPaused = true
      return isStopped(victim)
    },
    resume() {
      if (isPaused) resumedMs = Date.now()
      isPaused = false
      if (isRunning()) child!.kill('SIGCONT')
    },
    tell: (line) => void child?.stdin?.write(`${line}\n`),
    async stop() {
      if (!isRunning()) return ended
      isExpected = true
      isReady = false
      child!.kill('SIGCONT')
      child!.kill('SIGTERM')
      const hurry = setTimeout(() => child!.kill('SIGKILL'), stopMsMax)
      const how = await ended
      clearTimeout(hurry)
      return how
    },
  }
}

/** A busy machine may need a moment for all its threads. False when it ended instead. */
async function isStopped(victim: ChildProcess): Promise<boolean> {
  while (victim.exitCode === null && victim.signalCode === null) {
    const stat = readFileSync(`/proc/${victim.pid}/stat`, 'latin1')
    if (stat[stat.lastIndexOf(')') + 2] === 'T') return true
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return false
}

function wholeLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) onLine(line)
  })
  stream.on('error', () => {})
}
