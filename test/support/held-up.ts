/**
 * Whether a process of Millrace was held up: its event loop for more than 500 ms, as it says itself in its log. Every program that
 * runs them fails then. Not counted is what was not the process: a SIGSTOP, a machine that stood still (a thread of this process
 * that does nothing else was late as well), and a machine that others use (the limit is stretched, as for all wall times).
 */
import { Worker } from 'node:worker_threads'
import { heldUpMessage, heldUpMsMax } from '@millrace/platform'
import { contention } from './contention.ts'
import type { Late } from './machine-late.ts'

interface Stall {
  process: string
  atMs: number
  ms: number
  /** How much longer work took on the machine then. */
  stretch: number
}

/** Between what happened and the line that says so: a process says it once in ten seconds. */
const saidLateMs = 11_000

const stalls: Promise<Stall>[] = []
const late: Late[] = []

/** From now on it is known when the machine stands still. */
export function watchMachine(): void {
  const worker = new Worker(new URL('./machine-late.ts', import.meta.url))
  worker.on('message', (one: Late) => late.push(one)).on('error', () => {})
  worker.unref()
}

/** A line of a process's log. @param resumedMs when it was last continued after a SIGSTOP; undefined: never. */
export function hear(process: string, line: string, resumedMs: number | undefined): void {
  if (!line.includes(heldUpMessage)) return
  const ms = Number(/"ms":(\d+)/.exec(line)?.[1])
  const atMs = Date.now()
  if (resumedMs !== undefined && resumedMs > atMs - ms - saidLateMs) return
  stalls.push(contention().then((stretch) => ({ process, atMs, ms, stretch })))
}

/** What held a process up, a line each. */
export async function heldUp(): Promise<string[]> {
  const all = await Promise.all(stalls.splice(0))
  return all.filter((stall) => stall.ms > limitOf(stall)).map(describe)
}

function limitOf({ atMs, ms, stretch }: Stall): number {
  const during = late.filter((one) => one.atMs > atMs - ms - saidLateMs && one.atMs - one.ms < atMs)
  return heldUpMsMax * Math.max(1, stretch) + Math.max(0, ...during.map((one) => one.ms))
}

function describe(stall: Stall): string {
  const limit = Math.round(limitOf(stall))
  return `${stall.process} was held up for ${stall.ms} ms at ${new Date(stall.atMs).toISOString()}; the limit was ${limit} ms`
}
