/**
 * How much longer than alone on the machine a piece of work takes just now: wall time over CPU time of a loop that only counts,
 * in a thread of its own. 1 on a machine of our own. Limits in wall time are meant for that one; on a shared one they are
 * stretched by this, and it is said.
 */
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

const spinCpuMs = 150

export function contention(): Promise<number> {
  return new Promise((resolve, reject) => new Worker(new URL(import.meta.url)).once('message', resolve).once('error', reject))
}

if (!isMainThread) parentPort!.postMessage(spin())

function spin(): number {
  const from = { wall: performance.now(), cpu: process.threadCpuUsage() }
  for (;;) {
    const { user, system } = process.threadCpuUsage(from.cpu)
    const cpuMs = (user + system) / 1000
    if (cpuMs >= spinCpuMs) return Math.max(1, (performance.now() - from.wall) / cpuMs)
  }
}
