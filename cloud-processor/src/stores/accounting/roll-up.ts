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
  const widen = (k: number, min: number, max: number) => {
    if (min < made.min[k]!) made.min[k] = min
    if (max > made.max[k]!) made.max[k] = max
  }
  return {
    made,
    value(t: number, value: Value): void {
      if (typeof value === 'string') return
      const number = Number(value)
      const k = at(t)
      widen(k, number, number)
      made.count[k]!++
      made.sum[k]! += number
      made.last[k] = number
    },
    /** What lies in [from, to) of finer roll-ups. */
    rollUp(finer: RollUp, from: number, to: number): void {
      for (let one = 0; one < finer.t.length; one++) {
        if (finer.t[one]! < from || finer.t[one]! >= to) continue
        const k = at(finer.t[one]!)
        widen(k, finer.min[one]!, finer.max[one]!)
        made.count[k]! += finer.count[one]!
        made.sum[k]! += finer.sum[one]!
        made.last[k] = finer.last[one]!
      }
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
