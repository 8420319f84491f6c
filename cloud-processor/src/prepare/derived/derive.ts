/**
 * Derived channels: beside the readings of a device those that analyses make of them, as a record of their own, in the stream
 * `derived`. Each lane has a memory: what is historical does not disturb what is live. An analysis that takes late samples has one
 * for both.
 */
import {
  type Column,
  countReadings,
  derivedStream,
  emptyEdgeCounts,
  encodeJson,
  type ReadingsRecord,
  type Tally,
  topics,
} from '@millrace/contract'
import { ownValue } from '@millrace/platform'
import { type Context, toTimeline } from '../context.ts'
import { deviceNamed } from '../state/nodes.ts'
import type { DerivedDevice, DerivedLane, PrepareState } from '../state/state.ts'
import { declare } from './declare.ts'
import { takeReadings, takeSegments } from './lane.ts'
import { type Series, seriesOf } from './series.ts'

export function readingsToTimeline(context: Context, node: string, record: ReadingsRecord): void {
  toTimeline(context, record)
  if (context.config.analyses.length > 0) derive(context, node, record)
}

function derive(context: Context, node: string, record: ReadingsRecord): void {
  const { state, config } = context
  const columns: Record<string, Column> = {}
  for (const series of seriesOf(state, config, node, record.device)) {
    if (!hasSource(series, record)) continue
    const lane = laneOf(context, node, record, series)
    if (!lane) continue
    takeSegments(series, lane, record, columns)
    takeReadings(series, lane, record, columns)
  }
  const count = countReadings({ channels: columns, waves: {} })
  if (count > 0) publish(context, record, columns, count)
}

function hasSource({ entry }: Series, { channels, waves }: ReadingsRecord): boolean {
  return entry.channels.some((name) => ownValue(channels, name) !== undefined || ownValue(waves, name) !== undefined)
}

/** Undefined where there is no room for one more, which is told once. A new one is declared: the configuration may be another one. */
function laneOf(
  context: Context,
  node: string,
  record: ReadingsRecord,
  { entry, of, analysis }: Series,
): DerivedLane | undefined {
  const { state, config } = context
  const { device, hist } = record
  let derived = state.derived.get(device)
  if (!derived) {
    derived = { node, records: 0, computed: 0, dirty: false, lanes: new Map() }
    state.derived.set(device, derived)
  }
  const key = `${analysis.takesLate ? 'both' : hist ? 'late' : 'live'} ${entry.name}`
  const lane = derived.lanes.get(key)
  if (lane?.of === of) return lane
  if (!lane && state.derivedLanes >= config.limits.derivedLanes) return tellFull(context, derived, record)
  if (!lane) state.derivedLanes++
  const fresh: DerivedLane = { of, taken: [], told: {}, memory: analysis.memory.empty(entry) }
  derived.lanes.set(key, fresh)
  declare(context, node, deviceNamed(state, node, device)!)
  return fresh
}

function tellFull(context: Context, derived: DerivedDevice, { device, receivedMs }: ReadingsRecord): undefined {
  if (derived.isFull) return
  derived.isFull = true
  const text = `prepare.limits.derivedLanes (${context.config.limits.derivedLanes}) is reached: not all is derived of ${device}`
  const what = { k: 'event', level: 'error', code: 'DERIVED_LIMIT', atMs: receivedMs, text } as const
  toTimeline(context, { f: 1, subject: device, device, ...what })
}

function publish(context: Context, record: ReadingsRecord, channels: Record<string, Column>, count: number): void {
  const { subject, device, hist, receivedMs } = record
  const derived = context.state.derived.get(device)!
  derived.records++
  derived.computed += count
  derived.dirty = true
  toTimeline(context, { f: 1, k: 'readings', subject, device, stream: derivedStream, hist, receivedMs, channels, waves: {} })
}

/** At a tick: one cut for every device of which more was derived. What was computed is what was read of this stream. */
export function closeDerived({ state, emit }: Context): void {
  for (const [device, derived] of state.derived) {
    if (!derived.dirty) continue
    derived.dirty = false
    const { node, records: through, computed } = derived
    const all: Tally = [computed, 0]
    const none = (): Tally => [0, 0]
    const counts = { edge: { ...emptyEdgeCounts(), read: all }, evicted: none(), rejected: none(), forwarded: all, ahead: none() }
    const cut = { f: 1, k: 'cut', node, stream: derivedStream, through, closed: false, devices: { [device]: counts } } as const
    emit(topics.timeline, device, encodeJson(cut))
  }
}

/** The clock was set back: what is ahead of it would hold back everything up to there. */
export function setDerivedBack({ derived, derivedLanes, tickMs }: PrepareState): number {
  let left = derivedLanes
  for (const { lanes } of derived.values())
    for (const [key, { taken }] of lanes)
      if (taken.some((t) => t > tickMs)) {
        lanes.delete(key)
        left--
      }
  return left
}
