/**
 * Times for the samples of a fixed-rate device, locked to the arrival of its bytes.
 *
 * Bytes arrive late and in bursts, never early. So sample k gets the time of sample k-1 plus the nominal interval, slewed
 * towards arrival: slowly forward (a burst's first samples always look late), quickly back (a sample cannot be from the
 * future). The clock settles where the last sample of each burst has its arrival time.
 *
 * - A function of the arrival times alone: the same however the bytes are cut within one arrival.
 * - Not more than one interval ahead of arrival. Frames that come faster than that get the same time: the intake gives each the
 *   next free one (times.ts).
 * - Never falls, but for one case: when the wall clock was set back by more than `jumpMs`, it begins again at arrival. So it
 *   does after `reset`, and when arrival is more than `jumpMs` ahead of it.
 */
export interface SampleClock {
  /** Time of the next sample, epoch ms with a fraction. `lost` samples before it never came. */
  next(arrivalMs: number, lost?: number): number
  reset(): void
}

/** Further than this from arrival the clock is not slewed but begins again. */
const jumpMs = 1000

export function createSampleClock(intervalMs: number): SampleClock {
  let last = Number.NaN

  function step(arrivalMs: number, lost: number): number {
    const nominal = last + intervalMs
    const expected = lost === 0 ? nominal : Math.max(nominal, Math.min(nominal + lost * intervalMs, arrivalMs))
    const late = arrivalMs - expected
    if (Math.abs(late) > jumpMs) return arrivalMs
    const slew = late > 0 ? Math.min(late / 256, intervalMs / 50) : Math.max(late, -intervalMs) / 8
    return Math.max(last, Math.min(expected + slew, arrivalMs + intervalMs))
  }

  return {
    next(arrivalMs, lost = 0) {
      last = Number.isNaN(last) ? arrivalMs : step(arrivalMs, lost)
      return last
    },
    reset() {
      last = Number.NaN
    },
  }
}
