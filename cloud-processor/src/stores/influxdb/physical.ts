/**
 * Between a device's own number and the physical value that an engine holds, exactly both ways.
 *
 * A scale and an offset are short decimals: 0.001, 273.15. As fractions of one power of ten they and a raw integer are whole
 * numbers, so that `value` is the float64 nearest to the decimal result, which prints as that decimal: 97 x 0.1 is 9.7 and not
 * 9.700000000000001. Where the way back does not give the raw number again, the raw number is stored beside the value.
 */
import type { Channel } from '@millrace/contract'

export interface Physical {
  /** What a person reads. */
  toValue(raw: number): number
  /** What the device gave; not exact for every number: compare. */
  toRaw(value: number): number
}

const identity: Physical = { toValue: (raw) => raw, toRaw: (value) => value }

/** Relative; float64 has 1e-16. */
const wholeWithin = 1e-9

export function physicalOf(channel: Pick<Channel, 'scale' | 'offset'> | undefined): Physical {
  const scale = channel?.scale ?? 1
  const offset = channel?.offset ?? 0
  if ((scale === 1 && offset === 0) || !Number.isFinite(scale) || !Number.isFinite(offset) || scale === 0) return identity
  const places = Math.max(placesOf(scale), placesOf(offset))
  const unit = 10 ** places
  const [wholeScale, wholeOffset] = [Math.round(scale * unit), Math.round(offset * unit)]
  const toValue = (raw: number): number => {
    const whole = raw * wholeScale + wholeOffset
    return Number.isInteger(raw) && places <= 15 && Number.isSafeInteger(whole) && Number.isSafeInteger(raw * wholeScale)
      ? whole / unit
      : raw * scale + offset
  }
  return {
    toValue,
    toRaw(value) {
      const raw = (value - offset) / scale
      const whole = Math.round(raw)
      // An engine that keeps twelve digits gives a value back that is only near.
      const isWhole = toValue(whole) === value || Math.abs(raw - whole) <= wholeWithin * Math.max(1, Math.abs(raw))
      // Not -0, where the scale is negative.
      return isWhole ? whole + 0 : raw
    },
  }
}

/** Digits after the point. */
function placesOf(number: number): number {
  const [digits, exponent] = number.toExponential().split('e') as [string, string]
  const point = digits.indexOf('.')
  return Math.max(0, (point < 0 ? 0 : digits.length - point - 1) - Number(exponent))
}
