/**
 * The one place that bounds a stop. A process that is told to stop ends soon, whatever it waits for: a log, a store, a broker or
 * a device that does not answer. Its parts stop one after the other; one that takes too long is named and left to the end of the
 * process, which is as safe as `kill -9` is at any moment.
 */
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'

export interface Part {
  name: string
  stop(): Promise<unknown> | unknown
}

/** Each part may take half of the time that is left, so that one that hangs leaves time for those after it, and `leastMs` at least. */
const grace = { ms: 6000, leastMs: 200 }

/** No stop of so many parts takes longer, however many of them hang. */
export function stopMsMax(parts: number): number {
  let leftMs = grace.ms
  let totalMs = 0
  for (let part = 0; part < parts; part++) {
    const partMs = Math.max(grace.leastMs, leftMs / 2)
    leftMs -= partMs
    totalMs += partMs
  }
  return totalMs
}

/** Returns the names of those that did not end in their time. @throws the first error of a part, when all have been stopped. */
export async function stopInOrder(parts: Part[], { clock, log }: { clock: Clock; log: Log }): Promise<string[]> {
  const startedMs = clock.monotonic()
  const unended: string[] = []
  const failures: unknown[] = []
  for (const { name, stop } of parts) {
    const partMs = Math.max(grace.leastMs, (grace.ms - (clock.monotonic() - startedMs)) / 2)
    try {
      if (await isLate(clock, partMs, stop)) unended.push(name)
    } catch (error) {
      log.error('a part of this process did not stop in order', { part: name, error })
      failures.push(error)
    }
  }
  if (unended.length > 0)
    log.warn('stopped without waiting any longer; what was in flight is completed at the next start', { unended })
  if (failures.length > 0) throw failures[0]
  return unended
}

/** @throws what `stop` throws in time; what it throws later nobody needs. */
async function isLate(clock: Clock, ms: number, stop: Part['stop']): Promise<boolean> {
  let cancel = () => {}
  const late = new Promise<true>((resolve) => {
    cancel = clock.after(ms, () => resolve(true))
  })
  const stopping = (async () => void (await stop()))()
  try {
    return (await Promise.race([stopping, late])) ?? false
  } finally {
    cancel()
    stopping.catch(() => {})
  }
}
