/**
 * The clock that stamps readings: the monotonic clock plus a constant, so that one offset corrects all its stamps and no step of
 * the wall clock shows between two readings. The constant changes, which begins another *span*, only where the new
 * times lie free of all that was given:
 *
 *     at the start                      the wall clock's time, or the next free time after it
 *     the wall clock is elsewhere       followed, where that time is free
 *     a stretch given before is near    stepped over
 *
 * Spans are further apart than `silenceMsMax`: the intake begins another stretch, and no batch has times of two spans.
 */
import type { Clock } from '@millrace/platform'
import { addStretch, type Stretches, silenceMsMax } from '../stretches.ts'

export interface Span {
  /** First stamp. */
  fromMs: number
  /** Last stamp; absent of the present one. */
  toMs?: number
  /** Stamp less the boot's monotonic time. */
  aheadMs: number
}

export interface StampClockOptions {
  /** The boot's monotonic time less that of `base`. */
  bootMs: number
  /** Where earlier runs have their times. */
  given: Stretches
  onSpan(span: Span): void
}

/** The wall clock is followed when it is further away: the intake then begins another stretch. */
const followMs = 2 * silenceMsMax
/** So much time is to be free ahead. */
const freeMs = 600_000
/** Stamps of decoders lie beside the time of arrival. */
const marginMs = 2000

export class StampClock implements Clock {
  readonly #base: Clock
  readonly #options: StampClockOptions
  #given: Stretches
  #span: Span
  #nextMs = Number.POSITIVE_INFINITY
  // Callers take a clock apart.
  readonly now = (): number => this.#now()
  readonly monotonic = (): number => this.#base.monotonic()
  readonly after = (ms: number, call: () => void): (() => void) => this.#base.after(ms, call)
  readonly heard = (otherMs: number): void => this.#base.heard?.(otherMs)

  constructor(base: Clock, options: StampClockOptions) {
    this.#base = base
    this.#options = options
    this.#given = options.given
    this.#span = this.#begin(this.#freeAfter(base.now()))
  }

  #now(): number {
    const { aheadMs } = this.#span
    const monotonicMs = this.#bootMs()
    const wallMs = this.#base.now()
    const stampMs = monotonicMs + aheadMs
    if (Math.abs(wallMs - stampMs) > followMs && this.#isFree(wallMs, stampMs)) this.#leave(stampMs, wallMs)
    else if (stampMs >= this.#nextMs) this.#leave(stampMs, this.#freeAfter(stampMs + followMs))
    return Math.round(monotonicMs + this.#span.aheadMs)
  }

  #bootMs(): number {
    return this.#base.monotonic() + this.#options.bootMs
  }

  #begin(fromMs: number): Span {
    const span = { fromMs, aheadMs: fromMs - this.#bootMs() }
    this.#nextMs = (this.#given.find(([from]) => from > fromMs)?.[0] ?? Number.POSITIVE_INFINITY) - marginMs
    this.#options.onSpan(span)
    return span
  }

  #leave(lastMs: number, fromMs: number): void {
    const former = { ...this.#span, toMs: lastMs }
    this.#options.onSpan(former)
    this.#given = addStretch(this.#given, former.fromMs, lastMs)
    this.#span = this.#begin(fromMs)
  }

  #freeAfter(atMs: number): number {
    let free = atMs
    for (const [fromMs, toMs] of this.#given) if (toMs >= free && fromMs <= free + freeMs) free = toMs + marginMs
    return free
  }

  #isFree(atMs: number, nowMs: number): boolean {
    const isOwn = atMs <= nowMs + followMs && atMs + freeMs >= this.#span.fromMs
    return !isOwn && this.#freeAfter(atMs) === atMs
  }
}
