/** Tries again what may succeed later, until a deadline. */
import { backOffMs, type Clock } from '@millrace/platform'
import { KafkaFailure } from './client.ts'

const pauseMs = { first: 20, most: 400 }

/** How long to wait after so many failures: short enough that a broker that is back is found at once. */
export const pauseAfter = (failures: number) => backOffMs(failures, pauseMs.first, pauseMs.most)

export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve))
}

export interface Persistence {
  clock: Clock
  deadlineMs: number
  /** Before the next try: leaders may have changed. */
  refresh(failure: KafkaFailure): Promise<void>
  isClosed(): boolean
}

/** @throws what `call` throws for good or at the deadline. */
export async function persist<T>({ clock, deadlineMs, refresh, isClosed }: Persistence, call: () => Promise<T>): Promise<T> {
  const beganMs = clock.monotonic()
  for (let failures = 1; ; failures++) {
    try {
      return await call()
    } catch (error) {
      const pause = pauseAfter(failures)
      const isOver = isClosed() || clock.monotonic() + pause - beganMs > deadlineMs
      if (!(error instanceof KafkaFailure) || !error.retry || isOver) throw error
      await sleep(clock, pause)
      await refresh(error)
    }
  }
}
