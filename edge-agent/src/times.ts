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
  return new DeviceTimes(given, options)
}

class DeviceTimes implements Times {
  readonly #options: TimesOptions
  #given: Stretches
  /** The present stretch; NaN before the first reading. */
  #fromMs = Number.NaN
  #toMs = Number.NaN
  /** The clock's time when it began: a clock below it was set back further. */
  #fromAtMs = Number.NaN
  /** Nothing is given below: where the stretch began, or went on after one that was stepped over. */
  #floorMs = Number.NaN
  /** The nearest stretch ahead. */
  #nextMs = Number.POSITIVE_INFINITY
  #atBeforeMs = Number.NEGATIVE_INFINITY
  #aheadMs: number
  /** From here up to there a channel whose newest is below gets the clock's time, and nothing else is to be done. */
  #plainFromMs = Number.NaN
  #plainToMs = Number.NaN
  #plainFromBeforeMs = Number.NaN

  constructor(given: Stretches, options: TimesOptions) {
    this.#given = given
    this.#options = options
    this.#aheadMs = options.aheadMsMax
  }

  isWithin(atMs: number): boolean {
    return atMs >= this.#fromAtMs - this.#options.backMsMax
  }

  give(atMs: number, lastMs: number, stepMs: number): number | undefined {
    if (atMs >= this.#plainFromMs && atMs >= lastMs + stepMs && atMs < this.#plainToMs) {
      this.#plainFromMs = atMs
      return atMs
    }
    return this.#giveCarefully(atMs, lastMs, stepMs)
  }

  #giveCarefully(atMs: number, lastMs: number, stepMs: number): number | undefined {
    if (!Number.isFinite(atMs)) return undefined
    const { besideMs, backMsMax } = this.#options
    this.#takePlain()
    if (atMs < this.#atBeforeMs - backMsMax) this.#setBack(this.#atBeforeMs - atMs)
    this.#atBeforeMs = atMs
    const isNew = !this.isWithin(atMs) || atMs > this.#toMs + silenceMsMax
    if (isNew) this.#begin(atMs)
    let t = Math.max(atMs, isNew ? this.#floorMs : lastMs + stepMs, this.#floorMs)
    if (t + besideMs >= this.#nextMs) t = this.#stepOver(t)
    this.#plainFromMs = this.#plainFromBeforeMs = Math.max(atMs, this.#floorMs)
    this.#plainToMs = Math.min(this.#nextMs - besideMs, atMs + silenceMsMax)
    if (t - atMs > this.#aheadMs) return undefined
    this.#toMs = Math.max(this.#toMs, t)
    return t
  }

  /** What was given since, of which nothing else was kept. */
  #takePlain(): void {
    if (this.#plainFromMs !== this.#plainFromBeforeMs) this.#atBeforeMs = this.#plainFromMs
    if (!(this.#plainFromMs > this.#toMs)) return
    this.#toMs = this.#plainFromMs
    this.#aheadMs = this.#options.aheadMsMax
  }

  #setBack(byMs: number): void {
    this.#aheadMs += byMs
    this.#options.onBack?.(byMs)
  }

  #begin(atMs: number): void {
    const { aheadMsMax, besideMs, backMsMax, onBegin, onBack } = this.#options
    const isFirst = Number.isNaN(this.#fromMs)
    if (!isFirst) this.#given = addStretch(this.#given, this.#fromMs, this.#toMs + besideMs)
    this.#fromAtMs = atMs
    this.#fromMs = this.#toMs = this.#floorMs = firstFree(this.#given, atMs)
    this.#aheadMs = aheadMsMax + this.#fromMs - atMs
    this.#lookAhead()
    onBegin?.()
    if (isFirst && this.#fromMs - atMs > backMsMax) onBack?.(this.#fromMs - atMs)
  }

  #stepOver(t: number): number {
    this.#floorMs = firstFree(this.#given, t + this.#options.besideMs)
    this.#aheadMs += this.#floorMs - t
    this.#toMs = this.#floorMs
    this.#lookAhead()
    return this.#floorMs
  }

  #lookAhead(): void {
    this.#nextMs = this.#given.find(([from]) => from > this.#toMs)?.[0] ?? Number.POSITIVE_INFINITY
  }
}
