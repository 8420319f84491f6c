/**
 * The time that each reading and sample of a device gets: no channel is given a millisecond twice, whatever bytes arrive when,
 * across restarts and steps of the clock. Stores name what they hold by it.
 *
 * - The time is that of its decoder, or else the next free step after the channel's newest: a burst lies 1 ms apart, and the
 *   clock catches up with it. Steps are 1 ms, and finer, 2^-n ms, only where a channel gives more than 1,000 samples a second.
 * - The clock is set back, or was when the agent started: times go on a step apart above the newest until the clock has
 *   caught up. But where the clock comes to a time in which nothing was given (it had jumped far ahead), it is followed, as
 *   another stretch; and when it reaches a stretch again, that is stepped over.
 * - More than `aheadMsMax` ahead of the clock, what it was set back not counted, there is no time left: the reading is refused.
 */
import { addStretch, firstFree, type Stretches, silenceMsMax } from './stretches.ts'

export interface Times {
  /** The time for a channel whose newest has `lastMs`; undefined when there is none. */
  give(atMs: number, lastMs: number, stepMs: number): number | undefined
  /** Whether this time is of the present stretch, where the next reading comes after the newest. */
  isWithin(atMs: number): boolean
}

export interface TimesOptions {
  aheadMsMax: number
  /** A sample is stored no further than this from the time that it gets. */
  besideMs: number
  /** Steps back up to this are how clocks are adjusted and decoders slew. */
  backMsMax: number
  /** Another stretch begins: no channel has a newest time any longer, and what was gathered is to be handed over apart. */
  onBegin?: () => void
  /** The clock was set back. */
  onBack?: (byMs: number) => void
}

/** `given` is what earlier runs made durable. */
export function createTimes(given: Stretches, options: TimesOptions): Times {
  const { aheadMsMax, besideMs, backMsMax, onBegin, onBack } = options
  /** The present stretch; NaN before the first reading. */
  let fromMs = Number.NaN
  let toMs = Number.NaN
  /** The clock's time when it began: a clock below it was set back further. */
  let fromAtMs = Number.NaN
  /** Nothing is given below: where the stretch began, or went on after one that was stepped over. */
  let floorMs = Number.NaN
  /** The nearest stretch ahead. */
  let nextMs = Number.POSITIVE_INFINITY
  let atBeforeMs = Number.NEGATIVE_INFINITY
  let aheadMs = aheadMsMax
  /**
   * From here up to there a channel whose newest is below gets the clock's time, and nothing else is to be done. An object, whose
   * numbers are changed in place: a variable of a closure would be allocated for each reading.
   */
  const plain = { fromMs: Number.NaN, toMs: Number.NaN }
  let plainFromBeforeMs = Number.NaN

  function giveCarefully(atMs: number, lastMs: number, stepMs: number): number | undefined {
    if (!Number.isFinite(atMs)) return undefined
    takePlain()
    if (atMs < atBeforeMs - backMsMax) setBack(atBeforeMs - atMs)
    atBeforeMs = atMs
    const isNew = !isWithin(atMs) || atMs > toMs + silenceMsMax
    if (isNew) begin(atMs)
    let t = Math.max(atMs, isNew ? floorMs : lastMs + stepMs, floorMs)
    if (t + besideMs >= nextMs) t = stepOver(t)
    plain.fromMs = plainFromBeforeMs = Math.max(atMs, floorMs)
    plain.toMs = Math.min(nextMs - besideMs, atMs + silenceMsMax)
    if (t - atMs > aheadMs) return undefined
    toMs = Math.max(toMs, t)
    return t
  }

  /** What was given since, of which nothing else was kept. */
  function takePlain(): void {
    if (plain.fromMs !== plainFromBeforeMs) atBeforeMs = plain.fromMs
    if (!(plain.fromMs > toMs)) return
    toMs = plain.fromMs
    aheadMs = aheadMsMax
  }

  function setBack(byMs: number): void {
    aheadMs += byMs
    onBack?.(byMs)
  }

  const isWithin = (atMs: number) => atMs >= fromAtMs - backMsMax

  function begin(atMs: number): void {
    const isFirst = Number.isNaN(fromMs)
    if (!isFirst) given = addStretch(given, fromMs, toMs + besideMs)
    fromAtMs = atMs
    fromMs = toMs = floorMs = firstFree(given, atMs)
    aheadMs = aheadMsMax + fromMs - atMs
    lookAhead()
    onBegin?.()
    if (isFirst && fromMs - atMs > backMsMax) onBack?.(fromMs - atMs)
  }

  function stepOver(t: number): number {
    floorMs = firstFree(given, t + besideMs)
    aheadMs += floorMs - t
    toMs = floorMs
    lookAhead()
    return floorMs
  }

  function lookAhead(): void {
    nextMs = given.find(([from]) => from > toMs)?.[0] ?? Number.POSITIVE_INFINITY
  }

  return {
    isWithin,
    give(atMs, lastMs, stepMs) {
      if (atMs >= plain.fromMs && atMs >= lastMs + stepMs && atMs < plain.toMs) {
        plain.fromMs = atMs
        return atMs
      }
      return giveCarefully(atMs, lastMs, stepMs)
    },
  }
}
