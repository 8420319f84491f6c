/**
 * What may be in a field of a sentence. An empty field says that the receiver has no value; any other is what its kind says, or the
 * sentence is not what its sender meant: its checksum is right also where the sender itself cut it short.
 */
export type FieldKind = (text: string) => boolean

/** What decimal.ts reads. */
const decimalText = /^-?\d{1,9}(?:\.\d{0,15})?$/
const angleText = /^(?:\d{0,3}[0-5])?\d(?:\.\d{0,15})?$/
const wholeText = /^\d{1,9}$/

/** Decimal digits and a point, within the bounds. */
export function decimal(min: number, max: number): FieldKind {
  return (text) => {
    const value = decimalText.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max
  }
}

export function whole(min: number, max: number): FieldKind {
  return (text) => {
    const value = wholeText.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max
  }
}

export function oneOf(...words: string[]): FieldKind {
  return (text) => words.includes(text)
}

/** `dddmm.mmmm`, its minutes below 60. Its hemisphere is another field. */
export const latitude: FieldKind = (text) => angleText.test(text) && Number(text) <= 9000
export const longitude: FieldKind = (text) => angleText.test(text) && Number(text) <= 18_000

/** `hhmmss.sss`; a leap second is 60. */
export const time: FieldKind = (text) => /^(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d|60)(?:\.\d{0,9})?$/.test(text)

/** `ddmmyy`, a day that there is. */
export const date: FieldKind = (text) => {
  const [, day, month, year] = (/^(\d\d)(\d\d)(\d\d)$/.exec(text) ?? []).map(Number)
  return (
    day !== undefined && new Date(Date.UTC(2000 + year!, month! - 1, day)).getUTCDate() === day && month! >= 1 && month! <= 12
  )
}
