/**
 * What a store without transactions knows of one timeline partition: its position, marks and counts, and of each series the
 * stretches of time that it has written. It is a pure function of the partition's records and of the decisions (survey.ts), is
 * kept as a snapshot, and is made again from there after a crash.
 *
 * Snapshot: zstd of JSON, `f` 1.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Channel, Tally } from '@millrace/contract'
import type { Marks } from '../../stage/index.ts'
import type { StoreTotal } from '../store.ts'
import type { Damaged } from './damage.ts'
import type { Intervals } from './intervals.ts'

export interface SeriesState {
  /** Every time written lies in one of these. */
  written: Intervals
  /** Usual time between two readings, ms; 0 until there were two. */
  usualMs: number
}

export interface OpenGap {
  channel: string
  reason: string
  fromMs: number
  toMs?: number
  lost?: Tally
  /** How often it was written before. */
  revision: number
}

export interface DeviceState {
  subject: string
  node: string
  channels: Channel[]
  points: Map<string, SeriesState>
  waves: Map<string, SeriesState>
  /** Newest first. */
  openGaps: OpenGap[]
  total: Pick<StoreTotal, 'stored' | 'collapsed' | 'firstMs' | 'lastMs'> & { rejected: Tally }
}

/** Of one device and one stream. */
export interface StreamCount {
  stored: Tally
  collapsed: Tally
  rejected: Tally
  /** Time of the tick at which it was closed; 0 while it is open. */
  closedMs: number
  /** What damage of the log took: damage.ts. */
  lost?: Tally
  /** At its newest cut, since there was damage. */
  cut?: { missing: Tally; atMs: number }
}

/** What cannot be worked out again, because a replay would find in the engine what it wrote itself. */
export interface Decisions {
  /** By offset and series: the times of it that the engine held already, and how often each had been written. */
  collapsed: Map<string, [name: number, revision: number][]>
  /** By device, at its first sight: the stretch of time that the engine held of it, from other partitions and logs. */
  adopted: Map<string, Intervals>
}

export interface AccountState {
  next: number
  marks: Marks
  /** The newest tick. */
  nowMs: number
  /** Rises with every record: the time under which summaries are written, so that the newest one is the last. */
  versionMs: number
  devices: Map<string, DeviceState>
  /** Hour of the ticks at which old streams were last forgotten. */
  forgotHour: number
  /** By stream and device. */
  streams: Map<string, StreamCount>
  /** Of the log, oldest first; at most `damagesMax`. */
  damages?: Damaged[]
}

/** A stream's name has no space in it. */
const streamKey = (stream: string, device: string) => `${stream} ${device}`

export const emptyState = (): AccountState => ({
  next: 0,
  marks: {},
  nowMs: 0,
  versionMs: 0,
  forgotHour: 0,
  devices: new Map(),
  streams: new Map(),
})

export const noDecisions = (): Decisions => ({ collapsed: new Map(), adopted: new Map() })

export function newDevice(subject: string, held: Intervals): DeviceState {
  const total = { stored: tally(), collapsed: tally(), rejected: tally(), firstMs: 0, lastMs: 0 }
  const known = new Map<string, SeriesState>()
  // What other partitions and logs wrote of it may be of any series.
  if (held.length > 0) known.set('*', { written: [...held], usualMs: 0 })
  return { subject, node: '', channels: [], points: known, waves: new Map(known), openGaps: [], total }
}

export function seriesOf(series: Map<string, SeriesState>, channel: string): SeriesState {
  let state = series.get(channel)
  if (!state) {
    state = { written: [...(series.get('*')?.written ?? [])], usualMs: 0 }
    series.set(channel, state)
  }
  return state
}

export function streamOf(state: AccountState, stream: string, device: string): StreamCount {
  const key = streamKey(stream, device)
  let count = state.streams.get(key)
  if (!count) {
    count = { stored: tally(), collapsed: tally(), rejected: tally(), closedMs: 0 }
    state.streams.set(key, count)
  }
  return count
}

const tally = (): Tally => [0, 0]

const mapTag = '$map'

export function encodeState(state: AccountState): Uint8Array {
  const text = JSON.stringify({ f: 1, ...state }, (_, value) => (value instanceof Map ? { [mapTag]: [...value] } : value))
  return zstdCompressSync(Buffer.from(text))
}

/** @throws Error when it is of a newer format */
export function decodeState(bytes: Uint8Array): AccountState {
  const { f, ...state } = parse(zstdDecompressSync(bytes).toString()) as AccountState & { f: number }
  if (f !== 1) throw new Error(`the store's snapshot has format ${f}; this version reads 1`)
  return state
}

export const encodeDecisions = (decisions: Decisions): string =>
  JSON.stringify(decisions, (_, value) => (value instanceof Map ? { [mapTag]: [...value] } : value))

export const decodeDecisions = (text: string): Decisions => parse(text) as Decisions

function parse(text: string): unknown {
  return JSON.parse(text, (_, value) =>
    value !== null && typeof value === 'object' && mapTag in value && Object.keys(value).length === 1
      ? new Map(value[mapTag])
      : value,
  )
}
