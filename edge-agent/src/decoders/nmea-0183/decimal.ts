/** Decimal text to scaled integers and back, digit by digit: no value passes through a binary fraction. */

/** `parseDecimal('12.345', 2)` is 1235 (digits that do not fit are rounded half away from zero); undefined when the text is not a number. */
export function parseDecimal(text: string, decimals: number): number | undefined {
  const match = /^(-?)(\d{1,9})(?:\.(\d{0,15}))?$/.exec(text)
  if (!match) return undefined
  const [, sign, whole, fraction = ''] = match
  const kept = Number(whole! + fraction.slice(0, decimals).padEnd(decimals, '0'))
  const rounded = fraction.length > decimals && fraction[decimals]! >= '5' ? kept + 1 : kept
  return sign === '-' && rounded !== 0 ? -rounded : rounded
}

/** `formatDecimal(-1235, 2)` is `-12.35`. */
export function formatDecimal(value: number, decimals: number): string {
  const digits = `${Math.abs(value)}`.padStart(decimals + 1, '0')
  const point = digits.length - decimals
  return `${value < 0 ? '-' : ''}${digits.slice(0, point)}${decimals > 0 ? `.${digits.slice(point)}` : ''}`
}

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
