/**
 * Times for the samples of a fixed-rate device, locked to the arrival of its bytes.
 *
 * Bytes arrive late and in bursts, never early. So sample k gets the time of sample k-1 plus the nominal interval, slewed
 * towards arrival: slowly forward (a burst's first samples always look late), quickly back (a sample cannot be from the
 * future). The clock settles where the last sample of each burst has its arrival time.
 *
 * - A function of the arrival times alone: the same however the bytes are cut within one arrival.
 * - Not more than one interval ahead of arrival, or `wholeMsMax`; after a silence by a millisecond more for each frame that had
 *   its time in it, for then what waited in a buffer comes at once. Frames that come faster than that are squeezed: to one
 *   millisecond at first, since some stores tell samples apart no finer, and then to 1/64 interval, so that a replay at up to
 *   64 times real time follows arrival and loses no sample.
 * - Rises strictly, but for one case: when the wall clock was set back by more than `jumpMs`, it starts anew from arrival.
 *   It also starts anew after `reset`, and when arrival is more than `jumpMs` ahead of it.
 * - Whole milliseconds, for scalars, rise strictly as well, up to `jumpMs` ahead of arrival: beyond 1,000 frames a second
 *   there are not enough of them; then the last one is given again, and the intake rejects and counts the reading.
 */
export interface SampleClock {
  /** Time of the next sample, epoch ms with a fraction. `lost` samples before it never came. */
  next(arrivalMs: number, lost?: number): number
  /** The same sample's time in whole ms. Call it at most once a sample. */
  whole(): number
  reset(): void
}

/** Further than this from arrival the clock is not slewed but starts anew. */
const jumpMs = 1000
/** So far ahead of arrival a burst's samples may get, to be a millisecond apart: a read after opening brings about as much. Exported for its test. */
export const wholeMsMax = 32
/** Shorter ones are how devices and kernels hand their bytes over. */
const silenceMsMin = 250
/** Ahead of arrival by more, a sample gets the least step. */
const aheadMsMax = 250
/** Stores tell samples apart by the microsecond: the smallest step that never rounds to the same one. */
const leastStepMs = 1 / 512

export function createSampleClock(intervalMs: number): SampleClock {
  let last = Number.NaN
  let arrived = Number.NaN
  let lastWhole = Number.NEGATIVE_INFINITY
  /** So far ahead of arrival samples may get, to be a millisecond apart. */
  let roomMs = wholeMsMax
  let roomUntilMs = Number.NEGATIVE_INFINITY

  /** What waited during a silence may come in several reads, and is then ahead until its time has passed. */
  function makeRoom(arrivalMs: number): void {
    if (arrivalMs > roomUntilMs && last <= arrivalMs) roomMs = wholeMsMax
    const silenceMs = arrivalMs - arrived
    if (!(silenceMs >= silenceMsMin)) return
    roomMs = Math.max(roomMs, wholeMsMax + Math.min(jumpMs / 2, silenceMs / intervalMs))
    roomUntilMs = arrivalMs + jumpMs / 2
  }

  function step(arrivalMs: number, lost: number): number {
    const nominal = last + intervalMs
    const expected = lost === 0 ? nominal : Math.max(nominal, Math.min(nominal + lost * intervalMs, arrivalMs))
    const late = arrivalMs - expected
    if (Math.abs(late) > jumpMs) return arrivalMs
    const slew = late > 0 ? Math.min(late / 256, intervalMs / 50) : Math.max(late, -intervalMs) / 8
    return Math.max(last + leastStep(last - arrivalMs), Math.min(expected + slew, arrivalMs + intervalMs))
  }

  function leastStep(aheadMs: number): number {
    if (aheadMs > Math.max(aheadMsMax, roomMs)) return leastStepMs
    const squeezed = Math.max(leastStepMs, intervalMs / 64)
    return aheadMs + 1 <= roomMs ? Math.max(squeezed, Math.min(1, intervalMs / 2)) : squeezed
  }

  return {
    next(arrivalMs, lost = 0) {
      if (arrivalMs !== arrived) makeRoom(arrivalMs)
      last = Number.isNaN(last) ? arrivalMs : step(arrivalMs, lost)
      arrived = arrivalMs
      if (lastWhole > arrivalMs + jumpMs) lastWhole = Number.NEGATIVE_INFINITY
      return last
    },
    whole() {
      const next = Math.max(Math.round(last), lastWhole + 1)
      if (next <= arrived + jumpMs) lastWhole = next
      return lastWhole
    },
    reset() {
      last = Number.NaN
    },
  }
}
