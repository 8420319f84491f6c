/** Time and timers are passed in, so that simulation can own them. */
export interface Clock {
  /** Wall clock, epoch ms. */
  now(): number
  /** Monotonic, ms, from an arbitrary start. */
  monotonic(): number
  /** Calls once after `ms`; returns the cancel function. */
  after(ms: number, call: () => void): () => void
  /** By how much the wall clock is off `now()`, while a jump of it is not followed. Absent: `now()` is the wall clock. */
  offMs?(): number
  /** The time of another machine, heard just now: it says whether a jump of the wall clock is to be followed. */
  heard?(otherMs: number): void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
}

/** Calls every `ms` until cancelled. A call that throws does not end the calls after it. */
export function every(clock: Clock, ms: number, call: () => void): () => void {
  let cancel = () => {}
  const arm = () => {
    cancel = clock.after(ms, () => {
      arm()
      call()
    })
  }
  arm()
  return () => cancel()
}
