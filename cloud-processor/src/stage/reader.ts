/**
 * Follows one partition of a topic: reads what is there, waits for more, hands over record batches one at a time. A failed
 * hand-over ends the reader; its caller decides from where to continue.
 */
import type { Topic } from '@millrace/contract'
import type { Log, LogRecord } from '../log/log.ts'

export interface ReaderOptions {
  topic: Topic
  partition: number
  /** First offset wanted. */
  from: number
  /** At most this much in one hand-over. */
  limit: { records: number; bytes: number }
  /** Waits after a hand-over that took all there was, so that the next one is larger. */
  rest?: (signal: AbortSignal) => Promise<void>
}

/** Resolves when `signal` aborts. @throws what the log or `take` throws. */
export async function follow(
  log: Log,
  { topic, partition, from, limit, rest }: ReaderOptions,
  take: (records: LogRecord[], next: number) => Promise<void> | void,
  signal: AbortSignal,
): Promise<void> {
  const bell = createBell(signal)
  const unsubscribe = log.onAppend(topic, (changed) => {
    if (changed === partition) bell.ring()
  })
  try {
    let next = from
    while (!signal.aborted) {
      const records = await log.read(topic, partition, next, limit)
      if (signal.aborted) return
      if (records.length === 0) {
        await bell.wait()
        continue
      }
      next = records.at(-1)!.offset + 1
      await take(records, next)
      if (rest && records.length < limit.records) await rest(signal)
    }
  } finally {
    unsubscribe()
  }
}

/** A ring while nobody waits is remembered once, so that no append between a read and a wait is missed. */
function createBell(signal: AbortSignal) {
  let rung = false
  let wake: (() => void) | undefined
  const ring = () => {
    rung = true
    wake?.()
  }
  signal.addEventListener('abort', ring, { once: true })
  return {
    ring,
    async wait() {
      if (!rung)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      rung = false
      wake = undefined
    },
  }
}
