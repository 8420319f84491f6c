/**
 * Where the rules of its gateway had alarms of a series, as spans of event time: what readings of such a time would raise here is the alarm
 * that the gateway told of.
 */
import type { AlarmRecord } from '@millrace/contract'
import type { SeriesState, Span, ToldState } from './engine.ts'
import type { Slot } from './plan.ts'

/** Of one rule at one series; the oldest go first. */
const spansMax = 64

/** Whether the gateway has told what is to be raised. While its alarm is active that is for live readings to say. */
export function isTold({ lane, rule }: Slot, atMs: number): boolean {
  const told = toldOf(lane.series.state, rule.name)
  if (!told) return false
  const endMs = lane.isLate ? Infinity : -Infinity
  return told.spans.some(([raisedMs, clearedMs = endMs]) => atMs >= raisedMs && atMs <= clearedMs)
}

/** When the gateway last knew that a silence was over. */
export function heardMs(series: SeriesState, rule: string): number {
  return toldOf(series, rule)?.spans.at(-1)?.[1] ?? -Infinity
}

/** An alarm that the gateway raised too has cleared here: the span ends, unless the gateway has said when. */
export function endSpan(series: SeriesState, { rule, edge, atMs }: AlarmRecord): void {
  const span = edge && spanOf(series, rule, edge.raisedMs)
  if (span && span[1] === undefined) span[1] = Math.max(atMs, span[0])
}

export function setSpanEnd(series: SeriesState, rule: string, raisedMs: number, clearedMs: number): void {
  const span = spanOf(series, rule, raisedMs)
  if (span) span[1] = Math.max(clearedMs, raisedMs)
}

/** A reading of before its beginning does not end what the gateway raised. */
export function isBefore(t: number, { edge, raisedMs }: AlarmRecord): boolean {
  return edge !== undefined && t < raisedMs
}

/** False for one that is known. */
export function addSpan(state: SeriesState, rule: string, raisedMs: number): boolean {
  const known = toldOf(state, rule)
  const { spans }: Pick<ToldState, 'spans'> = known ?? { spans: [] }
  if (!known) state.told = [...(state.told ?? []), { rule, spans }]
  if (spans.some(([at]) => at === raisedMs)) return false
  spans.push([raisedMs])
  if (spans.length > spansMax) spans.shift()
  return true
}

function toldOf({ told }: SeriesState, rule: string): ToldState | undefined {
  return told?.find((one) => one.rule === rule)
}

function spanOf(series: SeriesState, rule: string, raisedMs: number): Span | undefined {
  return toldOf(series, rule)?.spans.find(([at]) => at === raisedMs)
}
