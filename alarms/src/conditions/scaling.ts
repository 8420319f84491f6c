/** Between the device's own numbers and the channel's unit. */
import type { Counter } from '@millrace/contract'

/** Of a channel: `value = raw * scale + offset`. */
export interface Scaling {
  scale: number
  offset: number
  /** It only counts up. */
  counter?: Counter
}

/** The whole number where the value means one: (0.3 − 0) / 0.1 is 2.9999999999999996, and 3 is meant. */
export function rawValue(value: number, { scale, offset }: Scaling): number {
  const raw = (value - offset) / scale
  const whole = Math.round(raw)
  return Math.abs(raw - whole) <= 1e-9 * Math.max(1, Math.abs(whole)) ? whole : raw
}

export function scaledValue(raw: number, { scale, offset }: Scaling): number {
  return Number((raw * scale + offset).toPrecision(12))
}
