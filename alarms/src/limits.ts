/**
 * Every condition on a value is one shape: two bounds that set and two that clear, in the device's own integers.
 *
 *     set zone        band        clear zone        band        set zone
 *   ─────────── setLow ─── clearLow ─────── clearHigh ─── setHigh ───────────
 *
 * Limits are turned into raw numbers once, so that a sample costs two comparisons and no rounding of `raw * scale`
 * can move a value over its limit (3 × 0.1 is not above 0.3).
 */
import type { ValueRule } from './rule-file.ts'

export interface Limits {
  setLow: number
  setHigh: number
  clearLow: number
  clearHigh: number
}

/** @param scale and offset of the channel: `value = raw * scale + offset`. */
export function rawLimits(rule: ValueRule, scale: number, offset: number): Limits {
  const { setLow, setHigh, clearLow, clearHigh } = limitsOf(rule)
  const raw = (value: number) => toRaw(value, scale, offset)
  return scale < 0
    ? { setLow: raw(setHigh), setHigh: raw(setLow), clearLow: raw(clearHigh), clearHigh: raw(clearLow) }
    : { setLow: raw(setLow), setHigh: raw(setHigh), clearLow: raw(clearLow), clearHigh: raw(clearHigh) }
}

function limitsOf(rule: ValueRule): Limits {
  const none = { setLow: -Infinity, setHigh: Infinity, clearLow: -Infinity, clearHigh: Infinity }
  if (rule.condition === 'below') return { ...none, setLow: rule.set, clearLow: rule.clear ?? rule.set }
  if (rule.condition === 'above') return { ...none, setHigh: rule.set, clearHigh: rule.clear ?? rule.set }
  const { low, high, hysteresis } = rule
  return { setLow: low, setHigh: high, clearLow: low + hysteresis, clearHigh: high - hysteresis }
}

/** The whole number where the limit means one: (0.3 − 0) / 0.1 is 2.9999999999999996, and 3 is meant. */
function toRaw(value: number, scale: number, offset: number): number {
  const raw = (value - offset) / scale
  const whole = Math.round(raw)
  return Math.abs(raw - whole) <= 1e-9 * Math.max(1, Math.abs(whole)) ? whole : raw
}

export function scaledValue(raw: number, scale: number, offset: number): number {
  return Number((raw * scale + offset).toPrecision(12))
}
