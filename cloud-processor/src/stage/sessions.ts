/**
 * A session works until it is stopped or something fails; the next one starts from what is durable. Stages and sinks run
 * in sessions, so what a failure left half done is never continued.
 */
import { backOffMs, type Clock } from '@millrace/platform'

const firstPauseMs = 50
/** What waited for a store or a log that is back waits no longer than this, and new data is stored within 5 s. */
const longestPauseMs = 2000
/** A session that held this long was well: the pause after it is short again. */
const wellAfterMs = 30_000

export interface SessionsOptions {
  clock: Clock
  signal: AbortSignal
  /** Whether another session may mend what this error broke. */
  isMendable(error: unknown): boolean
  /** Told of each failure. */
  failed(error: unknown): void
}

/** Resolves when `signal` aborts. @throws what is not mendable. */
export async function runSessions(session: () => Promise<void>, options: SessionsOptions): Promise<void> {
  const { clock, signal } = options
  for (let failures = 0; !signal.aborted; ) {
    const startedMs = clock.monotonic()
    try {
      return await session()
    } catch (error) {
      options.failed(error)
      if (!options.isMendable(error)) throw error
      if (clock.monotonic() - startedMs >= wellAfterMs) failures = 0
      await pause(clock, backOffMs(++failures, firstPauseMs, longestPauseMs), signal)
    }
  }
}

export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(ms, end)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  })
}
