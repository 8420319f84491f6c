/**
 * Equal (series, t) collapse: of what is given in order of position, the last wins.
 *
 * A reading is named by its time in ms. A waveform sample is named by its own time, `t + k * i`, rounded to the microsecond:
 * a segment sent again with the same start replaces the same samples, one that overlaps by half replaces that half, and one
 * whose samples fall between those of another lies beside it. What is left of a segment that was cut comes out as the runs
 * of its samples that still stand next to each other.
 */
import type { Segment } from '@millrace/contract'
import type { SeriesPoints } from '../store.ts'

export const microseconds = (segment: Segment, k: number) => Math.round((segment.t + k * segment.i) * 1000)

/** Time of the last sample, ms. */
export const lastOf = (segment: Segment) => segment.t + (segment.v.length - 1) * segment.i

export const rises = (t: number[]): boolean => {
  for (let k = 1; k < t.length; k++) if (t[k]! <= t[k - 1]!) return false
  return true
}

/** One list in order of time, each time once. */
export function resolvePoints(parts: SeriesPoints[]): SeriesPoints {
  if (parts.length === 1 && rises(parts[0]!.t)) return parts[0]!
  const t = parts.flatMap((part) => part.t)
  const v = parts.flatMap((part) => part.v)
  const q = parts.some((part) => part.q) ? parts.flatMap((part) => part.q ?? part.t.map(() => 0)) : undefined
  if (rises(t)) return q ? { t, v, q } : { t, v }
  const order = t.map((_, k) => k).sort((a, b) => t[a]! - t[b]! || a - b)
  const kept = order.filter((k, at) => at === order.length - 1 || t[order[at + 1]!] !== t[k])
  const points: SeriesPoints = { t: kept.map((k) => t[k]!), v: kept.map((k) => v[k]!) }
  if (q) points.q = kept.map((k) => q[k]!)
  return points
}

/** Segments in order of time, each sample once. */
export function resolveSegments(segments: Segment[]): Segment[] {
  const full = segments.filter((s) => s.v.length > 0)
  const order = full.map((_, k) => k).sort((a, b) => full[a]!.t - full[b]!.t || a - b)
  const resolved: Segment[] = []
  for (let at = 0; at < order.length; ) {
    let end = at + 1
    let last = lastOf(full[order[at]!]!)
    // Half a microsecond is the most that rounding can move a sample.
    while (end < order.length && full[order[end]!]!.t <= last + 0.001) last = Math.max(last, lastOf(full[order[end++]!]!))
    const cluster = order.slice(at, end).sort((a, b) => a - b)
    if (cluster.length === 1 && isEven(full[cluster[0]!]!)) resolved.push(full[cluster[0]!]!)
    else resolved.push(...resolveCluster(cluster.map((k) => full[k]!)))
    at = end
  }
  return resolved
}

/** Samples less than a microsecond apart could share a name. */
const isEven = (segment: Segment) => segment.i >= 0.001 || segment.v.length === 1

function resolveCluster(segments: Segment[]): Segment[] {
  const winner = new Map<number, { segment: Segment; k: number }>()
  for (const segment of segments) for (let k = 0; k < segment.v.length; k++) winner.set(microseconds(segment, k), { segment, k })
  const runs: { segment: Segment; from: number; to: number }[] = []
  for (const [, { segment, k }] of [...winner].sort((a, b) => a[0] - b[0])) {
    const run = runs.at(-1)
    if (run && run.segment === segment && run.to === k) run.to = k + 1
    else runs.push({ segment, from: k, to: k + 1 })
  }
  return runs.flatMap(({ segment, from, to }) => cutSegment(segment, from, to))
}

/**
 * Samples `from` up to, not including, `to`. Counted from a new start, a sample's time may round to another microsecond: there
 * the cut starts again, so that every sample keeps its name.
 */
export function cutSegment(segment: Segment, from: number, to: number): Segment[] {
  if (from === 0) return [to === segment.v.length ? segment : { ...segment, v: segment.v.slice(0, to) }]
  const cuts: Segment[] = []
  while (from < to) {
    const cut = { t: segment.t + from * segment.i, i: segment.i, v: segment.v }
    let end = from + 1
    while (end < to && microseconds(cut, end - from) === microseconds(segment, end)) end++
    cuts.push({ ...cut, v: segment.v.slice(from, end) })
    from = end
  }
  return cuts
}
