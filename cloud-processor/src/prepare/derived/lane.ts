/**
 * What a lane takes: samples of a channel in the order of their times. One that is late in its lane is left out, unless the analysis
 * takes late ones. What an analysis tells becomes a column, where it is later than what it told before in this lane.
 */
import { type Column, type ReadingsRecord, type Segment, scaled } from '@millrace/contract'
import { ownValue, setOwn } from '@millrace/platform'
import type { SourceReading, Tell } from '../analyses/analysis.ts'
import type { DerivedLane } from '../state/state.ts'
import type { Series } from './series.ts'

type Columns = Record<string, Column>

export function takeSegments(series: Series, lane: DerivedLane, { waves }: ReadingsRecord, columns: Columns): void {
  const { run, entry } = series
  if (!run.takeSegment) return
  const tell = teller(series, lane, columns)
  for (const segment of ownValue(waves, entry.channels[0]!) ?? []) {
    const rest = restOf(segment, lane.taken[0] ?? -Infinity)
    if (!rest) continue
    lane.taken[0] = rest.t + (rest.v.length - 1) * rest.i
    run.takeSegment(lane.memory, rest, tell)
  }
}

/** Samples by half an interval or more after `takenMs`. */
function restOf(segment: Segment, takenMs: number): Segment | undefined {
  const { t, i, v } = segment
  const from = Math.max(0, Math.ceil((takenMs - t) / i + 0.5))
  if (from >= v.length) return undefined
  return from === 0 ? segment : { t: t + from * i, i, v: v.slice(from) }
}

export function takeReadings(series: Series, lane: DerivedLane, record: ReadingsRecord, columns: Columns): void {
  const { run } = series
  if (!run.take) return
  const tell = teller(series, lane, columns)
  for (const reading of inOrder(series, lane, record)) run.take(lane.memory, reading, tell)
}

/** Of all channels those that can be used, by time. */
function inOrder({ entry, sources, analysis }: Series, { taken }: DerivedLane, { channels }: ReadingsRecord): SourceReading[] {
  const all: SourceReading[] = []
  for (const [source, name] of entry.channels.entries()) {
    const column = ownValue(channels, name)
    if (!column) continue
    for (const [k, t] of column.t.entries()) {
      const isLate = t <= (taken[source] ?? -Infinity)
      if (isLate && !analysis.takesLate) continue
      if (!isLate) taken[source] = t
      const value = column.q?.[k] === 2 ? undefined : amountOf(column.v[k]!, sources[source]!)
      if (value !== undefined) all.push({ source, t, value })
    }
  }
  return entry.channels.length === 1 ? all : all.sort((a, b) => a.t - b.t || a.source - b.source)
}

/** In the channel's unit; a boolean is 1 or 0. Undefined for a value of another kind. */
function amountOf(raw: number | string | boolean, channel: Series['sources'][number]): number | string | undefined {
  if (channel.kind === 'text') return typeof raw === 'string' ? raw : undefined
  if (typeof raw === 'boolean') return Number(raw)
  return typeof raw === 'number' ? scaled(raw, channel) : undefined
}

function teller({ entry, analysis }: Series, { told }: DerivedLane, columns: Columns): Tell {
  return (output, time, value, isBad = false) => {
    const t = Math.round(time)
    if (t > (ownValue(told, output) ?? -Infinity)) setOwn(told, output, t)
    else if (!analysis.takesLate) return
    const name = `${entry.name}.${output}`
    const column = ownValue(columns, name) ?? { t: [], v: [] }
    if (column.t.length === 0) setOwn(columns, name, column)
    if (isBad && !column.q) column.q = column.t.map(() => 0)
    column.t.push(t)
    column.v.push(value)
    column.q?.push(isBad ? 2 : 0)
  }
}
