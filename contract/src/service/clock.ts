/** Time and timers are passed in, so that simulation can own them. */
export interface Clock {
  /** Wall clock, epoch ms. */
  now(): number
  /** Monotonic, ms, from an arbitrary start. */
  monotonic(): number
  /** Calls once after `ms`; returns the cancel function. */
  after(ms: number, call: () => void): () => void
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
