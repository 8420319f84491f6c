/**
 * The minutes of an hour are kept as six columns (column.ts) behind a varint count: t, count, min, max, sum, last. Sums that
 * are not short decimals are exact float64. A checksum (seal.ts) is behind them.
 */
import type { RollUp } from '../store.ts'
import { createWriter, putVarint, takeVarint } from './bytes.ts'
import { putNumbers, putTimes, takeNumbers } from './column.ts'
import { checkBroken, putCheck } from './seal.ts'

export function encodeMinutes(minutes: RollUp, place: { series: number; hour: number }): Uint8Array {
  const to = createWriter(4096)
  putVarint(to, minutes.t.length)
  putTimes(to, minutes.t)
  for (const column of [minutes.count, minutes.min, minutes.max, minutes.sum, minutes.last]) putNumbers(to, column)
  putCheck(to, [place.series, place.hour], 1)
  return Buffer.from(to.bytes.subarray(0, to.at))
}

/** @throws Error that says what is wrong with them */
export function decodeMinutes(bytes: Uint8Array, { series, hour }: { series: number; hour: number }): RollUp {
  const from = { bytes, at: 0 }
  const count = takeVarint(from)
  const column = () => takeNumbers(from, count)
  const minutes = { t: column(), count: column(), min: column(), max: column(), sum: column(), last: column() }
  const broken = from.at < bytes.length ? checkBroken(bytes, [series, hour], bytes.length - from.at) : undefined
  if (broken !== undefined) throw new Error(broken)
  return minutes
}
