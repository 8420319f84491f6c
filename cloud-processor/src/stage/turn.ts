/** Long work on the main thread in turns, between which everything else in the process runs. */
import type { Clock } from '@millrace/platform'

/** What others may wait for one of them. */
const turnMs = 50

/** A timer, and no microtask: those run before anything else does. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.after(0, resolve))
}

/**
 * Asked after each piece of the work: undefined while the turn is not over, else to be awaited. What only awaits microtasks
 * stays in the turn, as a reader does that finds its records in memory; a timer that came through says that it is another.
 */
export function createTurns(clock: Clock): () => Promise<void> | undefined {
  let sinceMs: number | undefined
  const ended = () => {
    sinceMs = undefined
  }
  return () => {
    if (sinceMs === undefined) {
      sinceMs = clock.monotonic()
      clock.after(0, ended)
    }
    return clock.monotonic() - sinceMs < turnMs ? undefined : nextTurn(clock)
  }
}
