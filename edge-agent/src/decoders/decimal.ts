/** Decimal text to scaled integers and back, digit by digit: no value passes through a binary fraction. */

/** `parseDecimal('12.345', 2)` is 1235 (digits that do not fit are rounded half away from zero); undefined when the text is not a number, or has more than nine digits before the point. */
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
