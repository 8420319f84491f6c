/**
 * The minutes of an hour are kept as six columns (column.ts) behind a varint count: t, count, min, max, sum, last. Sums that
 * are not short decimals are exact float64.
 */
import type { RollUp } from '../store.ts'
import { createWriter, putVarint, takeVarint } from './bytes.ts'
import { putNumbers, putTimes, takeNumbers } from './column.ts'

export function encodeMinutes(minutes: RollUp): Uint8Array {
  const to = createWriter(4096)
  putVarint(to, minutes.t.length)
  putTimes(to, minutes.t)
  for (const column of [minutes.count, minutes.min, minutes.max, minutes.sum, minutes.last]) putNumbers(to, column)
  return Buffer.from(to.bytes.subarray(0, to.at))
}

export function decodeMinutes(bytes: Uint8Array): RollUp {
  const from = { bytes, at: 0 }
  const count = takeVarint(from)
  const column = () => takeNumbers(from, count)
  return { t: column(), count: column(), min: column(), max: column(), sum: column(), last: column() }
}
