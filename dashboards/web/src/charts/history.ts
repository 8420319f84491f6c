/**
 * What one trend chart holds: the past from the store, live readings behind it, and the gaps. The past is asked again when
 * something changed in it (a gap, late readings) and, while it is shown in steps, once a step.
 */
import type { GapEvent } from '@millrace/cloud-processor/web'
import { fetchSeries } from '../live/api.ts'
import type { Device } from '../live/model.ts'
import { serverNow } from '../live/time.ts'

export interface History {
  t: number[]
  mean: (number | null)[]
  min: (number | null)[]
  max: (number | null)[]
  gaps: GapEvent[]
  kind: 'points' | 'steps'
  stepMs: number
  fetchedMs: number
}

export const emptyHistory = (): History => ({
  t: [],
  mean: [],
  min: [],
  max: [],
  gaps: [],
  kind: 'points',
  stepMs: 0,
  fetchedMs: 0,
})

/** Which past: of one channel, so many milliseconds up to now. */
export interface Past {
  device: Device
  channel: string
  rangeMs: number
}

export async function loadHistory({ device, channel, rangeMs }: Past, points: number, signal: AbortSignal): Promise<History> {
  const to = Math.round(serverNow())
  const series = await fetchSeries(device.name, { channel, from: to - rangeMs, to, points }, signal)
  const numbers = (values: unknown[]) => values.map((value) => (typeof value === 'number' ? value : null))
  const common = { t: series.t, gaps: series.gaps, fetchedMs: to }
  if (series.kind === 'points') {
    const v = numbers(series.v)
    return { ...common, kind: 'points', stepMs: 0, mean: v, min: v.slice(), max: v.slice() }
  }
  const { stepMs, mean, min, max } = series
  return { ...common, kind: 'steps', stepMs, t: series.t.map((at) => at + stepMs / 2), mean, min, max }
}

/** Live readings newer than all that is held. */
export function appendLive(history: History, { device, channel, rangeMs }: Past): void {
  const trail = device.trails.get(channel)
  if (trail) {
    const newest = Math.max(history.t.at(-1) ?? 0, history.kind === 'steps' ? history.fetchedMs : 0)
    let k = trail.t.length
    while (k > 0 && trail.t[k - 1]! > newest) k--
    for (; k < trail.t.length; k++) {
      history.t.push(trail.t[k]!)
      for (const column of [history.mean, history.min, history.max]) column.push(trail.v[k]!)
    }
  }
  const from = serverNow() - rangeMs * 1.05
  let drop = 0
  while (drop < history.t.length && history.t[drop]! < from) drop++
  if (drop > 100) for (const column of [history.t, history.mean, history.min, history.max]) column.splice(0, drop)
}

/** Columns for the chart, in seconds, cut where nothing was measured: a line never runs across an absence. */
export function columnsOf({
  t,
  mean,
  min,
  max,
  gaps,
  stepMs,
}: History): [number[], (number | null)[], (number | null)[], (number | null)[]] {
  const out: [number[], (number | null)[], (number | null)[], (number | null)[]] = [[], [], [], []]
  const missingMs = missingAfter(t, stepMs)
  let gap = 0
  const sorted = [...gaps].sort((a, b) => a.fromMs - b.fromMs)
  for (let k = 0; k < t.length; k++) {
    const before = t[k - 1]
    while (gap < sorted.length && before !== undefined && (sorted[gap]!.toMs ?? Number.POSITIVE_INFINITY) <= before) gap++
    const inGap =
      before !== undefined && gap < sorted.length && sorted[gap]!.fromMs < t[k]! && (sorted[gap]!.toMs ?? t[k]!) > before
    if (before !== undefined && (t[k]! - before > missingMs || inGap)) {
      out[0].push((before + t[k]!) / 2000)
      for (const column of [out[1], out[2], out[3]]) column.push(null)
    }
    out[0].push(t[k]! / 1000)
    out[1].push(mean[k]!)
    out[2].push(min[k]!)
    out[3].push(max[k]!)
  }
  return out
}

/**
 * An absence has a record of its own, so silence alone cuts a line only when it is long: with report by exception a quiet
 * channel speaks once a heartbeat.
 */
function missingAfter(t: number[], stepMs: number): number {
  const steps = t.slice(1).map((at, k) => at - t[k]!)
  const median = steps.sort((a, b) => a - b)[steps.length >> 1] ?? 0
  return Math.max(90_000, 8 * median, 3 * stepMs)
}
