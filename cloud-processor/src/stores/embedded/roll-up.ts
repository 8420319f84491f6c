/**
 * Roll-ups of numbers, unscaled; a boolean counts as 0 or 1, text has none. The minutes of an hour are kept as six columns
 * (column.ts) behind a varint count: t, count, min, max, sum, last. Sums that are no short decimals are exact float64.
 */
import type { Segment, Value } from '@millrace/contract'
import type { RollUp } from '../store.ts'
import { createWriter, putVarint, takeVarint } from './bytes.ts'
import type { Points } from './chunk.ts'
import { putNumbers, putTimes, takeNumbers } from './column.ts'

export const minuteMs = 60_000

export const emptyRollUp = (): RollUp => ({ t: [], count: [], min: [], max: [], sum: [], last: [] })

/** Takes values in order of time; a step is counted from `origin`. */
export function createRollUp(origin: number, stepMs: number) {
  const made = emptyRollUp()
  const at = (t: number) => {
    const start = origin + Math.floor((t - origin) / stepMs) * stepMs
    const k = made.t.length - 1
    if (k >= 0 && made.t[k] === start) return k
    made.t.push(start)
    made.count.push(0)
    made.min.push(Number.POSITIVE_INFINITY)
    made.max.push(Number.NEGATIVE_INFINITY)
    made.sum.push(0)
    made.last.push(0)
    return k + 1
  }
  function merge(t: number, count: number, min: number, max: number, sum: number, last: number): void {
    const k = at(t)
    made.count[k]! += count
    if (min < made.min[k]!) made.min[k] = min
    if (max > made.max[k]!) made.max[k] = max
    made.sum[k]! += sum
    made.last[k] = last
  }
  return {
    made,
    value(t: number, value: Value): void {
      if (typeof value === 'string') return
      const number = Number(value)
      merge(t, 1, number, number, number, number)
    },
    /** What lies in [from, to) of finer roll-ups. */
    rollUp(finer: RollUp, from: number, to: number): void {
      for (let k = 0; k < finer.t.length; k++)
        if (finer.t[k]! >= from && finer.t[k]! < to)
          merge(finer.t[k]!, finer.count[k]!, finer.min[k]!, finer.max[k]!, finer.sum[k]!, finer.last[k]!)
    },
  }
}

export function rollUpPoints(into: ReturnType<typeof createRollUp>, { t, v }: Points, from: number, to: number): void {
  for (let k = 0; k < t.length; k++) if (t[k]! >= from && t[k]! < to) into.value(t[k]!, v[k]!)
}

/** Segments that interleave give their samples segment by segment. */
export function rollUpSegments(into: ReturnType<typeof createRollUp>, segments: Segment[], from: number, to: number): void {
  for (const { t, i, v } of segments) {
    for (let k = 0; k < v.length; k++) {
      const at = t + k * i
      if (at >= from && at < to) into.value(at, v[k]!)
    }
  }
}

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
