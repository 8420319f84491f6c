/**
 * A chunk: neighbouring readings, or waveform segments, of one series.
 *
 *     readings   varint count, column t, column v, u8 1 when a column q follows
 *     segments   varint count, column t, column i, column lengths, column of all samples one after the other
 *
 * A checksum is behind a chunk that lies in a row of its own (seal.ts). Columns are described in column.ts. Times of readings rise strictly.
 */
import type { Segment, Value } from '@millrace/contract'
import { type ByteReader, type ByteWriter, putVarint, reserve, takeVarint } from './bytes.ts'
import { putNumbers, putTimes, putValues, takeNumbers, takeValues } from './column.ts'

export interface Points {
  t: number[]
  v: Value[]
  q?: number[]
}

/** Where the column t of points lies in the writer. */
export interface PutPoints {
  t: number[]
  from: number
  to: number
}

/** `before`: points just put, of which the column t is taken as it is where the times are the same: channels are read together. */
export function putPoints(to: ByteWriter, { t, v, q }: Points, before?: PutPoints): PutPoints {
  reserve(to, 8)
  putVarint(to, t.length)
  const from = to.at
  if (before && isSame(t, before.t)) {
    reserve(to, before.to - before.from)
    const { bytes } = to
    // A few bytes, mostly: cheaper than a call.
    for (let at = before.from; at < before.to; at++) bytes[to.at++] = bytes[at]!
  } else putTimes(to, t)
  const put = { t, from, to: to.at }
  putValues(to, v)
  reserve(to, 1)
  to.bytes[to.at++] = q ? 1 : 0
  if (q) putNumbers(to, q)
  return put
}

function isSame(a: number[], b: number[]): boolean {
  if (a.length !== b.length) return false
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false
  return true
}

export function takePoints(from: ByteReader): Points {
  const count = takeVarint(from)
  const t = takeNumbers(from, count)
  const v = takeValues(from, count)
  return from.bytes[from.at++] === 1 ? { t, v, q: takeNumbers(from, count) } : { t, v }
}

export function putSegments(to: ByteWriter, segments: Segment[]): void {
  reserve(to, 8)
  putVarint(to, segments.length)
  putTimes(
    to,
    segments.map((s) => s.t),
  )
  putNumbers(
    to,
    segments.map((s) => s.i),
  )
  putNumbers(
    to,
    segments.map((s) => s.v.length),
  )
  putNumbers(to, segments.length === 1 ? segments[0]!.v : segments.flatMap((s) => s.v))
}

export function takeSegments(from: ByteReader): Segment[] {
  const count = takeVarint(from)
  const t = takeNumbers(from, count)
  const i = takeNumbers(from, count)
  const lengths = takeNumbers(from, count)
  const samples = takeNumbers(
    from,
    lengths.reduce((sum, length) => sum + length, 0),
  )
  let at = 0
  return t.map((start, k) => {
    const v = samples.slice(at, at + lengths[k]!)
    at += lengths[k]!
    return { t: start, i: i[k]!, v }
  })
}
