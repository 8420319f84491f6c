/** One process that is told to stop at a step of its life, and how it ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { until } from '../../support/until.ts'
import { commandOf } from './installation.ts'

export interface Visit {
  name: string
  step: string
  /** From SIGTERM to the end. */
  ms: number
  /** An exit code or a signal. */
  how: string
  lines: string[]
}

export interface Started {
  name: string
  lines: string[]
  pid: number | undefined
  says(pattern: RegExp): Promise<void>
  /** SIGTERM now. */
  stop(step: string): Promise<Visit>
}

/** Far above what is allowed: to tell how long it would have taken. */
const patienceMs = 30_000

export function startVisit(name: string, specifier: string, file: string): Started {
  const { command, args } = commandOf(specifier, file)
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => void lines.push(...text.trim().split('\n')))
  const ended = new Promise<string>((resolve) => child.on('exit', (code, signal) => resolve(signal ?? `code ${code}`)))
  const orphaned = () => void child.kill('SIGKILL')
  process.once('exit', orphaned)
  return {
    name,
    lines,
    pid: child.pid,
    async says(pattern) {
      const isSaid = () => lines.some((line) => pattern.test(line))
      await until(`${name} says ${pattern}`, () => isSaid() || hasEnded(child), { everyMs: 5 })
      if (!isSaid()) throw new Error(`${name} ended before it said ${pattern}: ${lines.at(-1)}`)
    },
    async stop(step) {
      const toldMs = performance.now()
      child.kill('SIGTERM')
      const hurry = setTimeout(() => child.kill('SIGKILL'), patienceMs)
      const how = await ended
      clearTimeout(hurry)
      process.off('exit', orphaned)
      return { name, step, ms: performance.now() - toldMs, how, lines }
    },
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/**
 * Whether it ended as it should. Before its code runs, while it is read, it hears of no signal: then the signal ends it, which
 * leaves nothing behind.
 */
export function isClean({ how, lines }: Visit): boolean {
  return how === 'code 0' || (how === 'SIGTERM' && lines.length === 0)
}
