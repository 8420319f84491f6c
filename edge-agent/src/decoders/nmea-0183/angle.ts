/** Angles as degrees and minutes. */
import { formatDecimal, parseDecimal } from '../decimal.ts'

const minuteDecimals = 5
const perDegree = 60 * 10 ** minuteDecimals

/** `dddmm.mmmm` and its hemisphere to units of 10^-5 minutes. Some senders leave leading zeros out. */
export function parseAngle(text: string, hemisphere: string, [plus, minus]: string, degreesMax: number): number | undefined {
  const match = /^(\d{0,3}?)(\d{1,2}(?:\.\d{0,15})?)$/.exec(text)
  const minutes = match ? parseDecimal(match[2]!, minuteDecimals) : undefined
  if (!match || minutes === undefined || Number(match[2]) >= 60 || (hemisphere !== plus && hemisphere !== minus)) return undefined
  const value = Number(match[1]) * perDegree + minutes
  if (value > degreesMax * perDegree) return undefined
  return hemisphere === minus && value !== 0 ? -value : value
}

export function formatAngle(value: number, [plus, minus]: string, degreeDigits: number): string {
  const size = Math.abs(value)
  const degrees = `${Math.floor(size / perDegree)}`.padStart(degreeDigits, '0')
  const minutes = formatDecimal(size % perDegree, minuteDecimals).padStart(minuteDecimals + 3, '0')
  return `${degrees}${minutes},${value < 0 ? minus : plus}`
}
