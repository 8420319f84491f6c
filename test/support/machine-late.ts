/** A thread that does nothing but look at the time: when it is late, the machine stood still. */
import { parentPort } from 'node:worker_threads'

export interface Late {
  /** When it went on. */
  atMs: number
  ms: number
}

const lookMs = 20
const lateMsMin = 50

let expectedMs = performance.now() + lookMs
setInterval(() => {
  const ms = performance.now() - expectedMs
  if (ms > lateMsMin) parentPort?.postMessage({ atMs: Date.now(), ms } satisfies Late)
  expectedMs = performance.now() + lookMs
}, lookMs)
