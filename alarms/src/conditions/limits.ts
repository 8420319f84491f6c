/**
 * Conditions that are limits: two bounds that set and two that clear, in the device's own numbers.
 *
 *     set zone        band        clear zone        band        set zone
 *   ─────────── setLow ─── clearLow ─────── clearHigh ─── setHigh ───────────
 *
 * Limits are turned into raw numbers once, so that a sample costs two comparisons and no rounding of `raw * scale`
 * can move a value over its limit (3 × 0.1 is not above 0.3).
 */
import { z } from 'zod'
import type { Judge } from './condition.ts'
import type { Outcome } from './memory.ts'
import { rawValue, type Scaling } from './scaling.ts'

export interface Limits {
  setLow: number
  setHigh: number
  clearLow: number
  clearHigh: number
}

export const noLimits: Limits = { setLow: -Infinity, setHigh: Infinity, clearLow: -Infinity, clearHigh: Infinity }

export const limitKey = (text: string) => z.number().describe(text)

/** @param limits in the channel's unit. */
export function judgeLimits(limits: Limits, scaling: Scaling): Judge {
  return new LimitJudge(rawLimits(limits, scaling))
}

export function rawLimits({ setLow, setHigh, clearLow, clearHigh }: Limits, scaling: Scaling): Limits {
  const raw = (value: number) => rawValue(value, scaling)
  return scaling.scale < 0
    ? { setLow: raw(setHigh), setHigh: raw(setLow), clearLow: raw(clearHigh), clearHigh: raw(clearLow) }
    : { setLow: raw(setLow), setHigh: raw(setHigh), clearLow: raw(clearLow), clearHigh: raw(clearHigh) }
}

/** What a measure of several samples means, in the numbers of the limits. */
export function outcomeOf(measured: number, { setLow, setHigh, clearLow, clearHigh }: Limits): Outcome {
  if (measured < setLow || measured > setHigh) return 'sets'
  return measured >= clearLow && measured <= clearHigh ? 'clears' : 'keeps'
}

/** A class, so that all judges of the hot path have the same methods and V8 inlines them. */
class LimitJudge implements Judge {
  private readonly setLow: number
  private readonly setHigh: number
  private readonly clearLow: number
  private readonly clearHigh: number

  constructor({ setLow, setHigh, clearLow, clearHigh }: Limits) {
    this.setLow = setLow
    this.setHigh = setHigh
    this.clearLow = clearLow
    this.clearHigh = clearHigh
  }

  sets(raw: number): boolean {
    return raw < this.setLow || raw > this.setHigh
  }

  clears(raw: number): boolean {
    return raw >= this.clearLow && raw <= this.clearHigh
  }
}
