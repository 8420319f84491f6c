/** The states of a text or a boolean over time: each lasts until the next one, and ends where an absence begins. */
import type { GapEvent } from '@millrace/cloud-processor/web'
import type { Value } from '@millrace/contract'

export interface Run {
  fromMs: number
  toMs: number
  value: Value
}

interface Span {
  fromMs: number
  toMs: number
}

/** @param t in order; what is before or after `shown` is cut off. */
export function runsOf({ t, v }: { t: number[]; v: Value[] }, gaps: Pick<GapEvent, 'fromMs' | 'toMs'>[], shown: Span): Run[] {
  const absent = gaps.map(({ fromMs, toMs = Number.POSITIVE_INFINITY }) => ({ fromMs, toMs })).sort((a, b) => a.fromMs - b.fromMs)
  const runs: Run[] = []
  for (let k = 0; k < t.length; k++) {
    const fromMs = Math.max(t[k]!, shown.fromMs)
    const next = Math.min(t[k + 1] ?? shown.toMs, shown.toMs)
    const gap = absent.find((one) => one.toMs > t[k]! && one.fromMs >= t[k]! && one.fromMs < next)
    const toMs = gap ? gap.fromMs : next
    if (toMs <= fromMs) continue
    const last = runs.at(-1)
    if (last && last.value === v[k] && last.toMs === fromMs) last.toMs = toMs
    else runs.push({ fromMs, toMs, value: v[k]! })
  }
  return runs
}

/** How long each state lasted, by name, so that each keeps its place and colour while the window moves. */
export function sharesOf(runs: Run[]): { value: Value; ms: number }[] {
  const sums = new Map<Value, number>()
  for (const { value, fromMs, toMs } of runs) sums.set(value, (sums.get(value) ?? 0) + toMs - fromMs)
  return [...sums].map(([value, ms]) => ({ value, ms })).sort((a, b) => `${a.value}`.localeCompare(`${b.value}`))
}
