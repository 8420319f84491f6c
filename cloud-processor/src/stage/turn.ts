/** Long work on the main thread in turns, between which everything else in the process runs. */
import type { Clock } from '@millrace/contract/service'

/** What others may wait for one of them. */
const turnMs = 50

/** A timer, and no microtask: those run before anything else does. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.after(0, resolve))
}

/** Asked after each piece of the work: undefined while the turn is not over, else to be awaited. */
export function createTurns(clock: Clock): () => Promise<void> | undefined {
  let sinceMs = clock.monotonic()
  return () => {
    if (clock.monotonic() - sinceMs < turnMs) return undefined
    return nextTurn(clock).then(() => {
      sinceMs = clock.monotonic()
    })
  }
}
