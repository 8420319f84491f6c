/** Roll-ups of numbers, unscaled; a boolean counts as 0 or 1, text has none. */
import type { Segment, Value } from '@millrace/contract'
import type { RollUp, SeriesPoints } from '../store.ts'

export const minuteMs = 60_000

const emptyRollUp = (): RollUp => ({ t: [], count: [], min: [], max: [], sum: [], last: [] })

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

export function rollUpPoints(into: ReturnType<typeof createRollUp>, { t, v }: SeriesPoints, from: number, to: number): void {
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
