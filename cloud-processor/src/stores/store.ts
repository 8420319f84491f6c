/**
 * A time-series store. `write` is idempotent; a store that can keeps its marks in the same transaction as the rows.
 * In every store equal (series, t) collapse: the last position wins and the loser is counted.
 */
import type { AbsenceReason, Channel, CutCounts, EventRecord, Segment, Tally, Value } from '@millrace/contract'
import type { LogRecord } from '../log/log.ts'
import type { Kept, Refused } from '../stage/index.ts'

export interface StoreWriter {
  /** Several processes may open it, and share its partitions. Else it belongs to the process that opened it. */
  readonly isShared: boolean
  /**
   * Takes up a timeline partition of the log with that id: the next offset to read, as of the last durable write; 0 when it
   * was never read. What is written to the partition afterwards comes from that log. A log created again has another id and
   * starts from its beginning. May be called again, after a failure or a takeover. A store without transactions keeps its
   * position, marks and counts in `kept`; the others need it not.
   */
  open(log: string, partition: number, kept?: Kept): Promise<number>
  /**
   * Timeline records in order; durable when resolved, all or nothing. Records below the next offset, or whose source is not
   * above the mark of their (partition, source log, source partition), are ignored. One that cannot be read is left out,
   * named and counted. Returns what the store will never take, to be rejected.
   */
  write(partition: number, records: LogRecord[]): Promise<Refused[]>
  close(): Promise<void>
}

export interface SeriesPoints {
  t: number[]
  /** Unscaled, as the device gave them. */
  v: Value[]
  q?: number[]
}

export interface RollUp {
  /** Start of each step that holds data, epoch ms. */
  t: number[]
  count: number[]
  min: number[]
  max: number[]
  sum: number[]
  last: number[]
}

export interface StoredGap {
  device: string
  channel?: string
  reason: AbsenceReason
  fromMs: number
  toMs?: number
  lost?: Tally
}

/** Readings of a device whose times were corrected when they came: less `byMs` they are as the clock at the edge stamped them. */
export interface StoredCorrection {
  device: string
  fromMs: number
  toMs: number
  byMs: number
  uncertaintyMs: number
}

/** One device of one stream at its latest settled cut. All tallies cumulative. */
export interface LedgerRow {
  node: string
  device: string
  stream: string
  through: number
  closed: boolean
  counts: CutCounts
  /** In the store at the cut, from numbers up to it. */
  stored: Tally
  collapsed: Tally
  /** Was stored or had collapsed, and was removed by retention. */
  expired: Tally
  /** read − stored − filtered − rejected − evicted − collapsed − expired; zero when the ledger closes. */
  difference: Tally
}

/** What the store counts of one device, cut or no cut. */
export interface StoreTotal {
  stored: Tally
  collapsed: Tally
  expired: Tally
  /** Of what is stored; both zero where nothing is left. */
  firstMs: number
  lastMs: number
}

export type StoredEvent = Pick<EventRecord, 'device' | 'atMs' | 'level' | 'code' | 'text'>

export interface StoredDevice {
  device: string
  subject: string
  node: string
  channels: Channel[]
}

/** A channel of a device between two times. */
export interface Stretch {
  device: string
  channel: string
  fromMs: number
  toMs: number
}

/** Times are epoch ms. An unknown device or channel has no data. */
export interface StoreReader {
  /** What was written before is in every answer after it. Engines that show a write a second or two later are told to show it now. */
  refresh(): Promise<void>
  /** As declared last: all, or the one of that name. */
  devices(device?: string): Promise<StoredDevice[]>
  /**
   * Readings with fromMs <= t <= toMs in order of time: the first `limit` of them, or all. Nothing is left out without a word:
   * where all are more than the store's `pointsMax`, it fails with STORE_ANSWER_TOO_LARGE.
   */
  points(of: Stretch, limit?: number): Promise<SeriesPoints>
  /** Segments with a sample between fromMs and toMs, whole: all, or the first `limit` of them, or fewer but at least one. As `points` when there are too many samples. */
  segments(of: Stretch, limit?: number): Promise<Segment[]>
  /** Of numbers and waveforms, unscaled: steps that start at fromMs + n * stepMs, over fromMs <= t < toMs. Cheap where all three are whole minutes. Of readings that have expired whole minutes may be left: each counts where it starts. As many readings as there are; as `points` when there are too many steps. */
  rollUp(of: Stretch, stepMs: number): Promise<RollUp>
  /** Gaps that touch fromMs..toMs, whenever they began; an open gap has no `toMs`. As `points` when there are too many. */
  gaps(device: string | undefined, fromMs: number, toMs: number): Promise<StoredGap[]>
  /** Corrections of readings between two times, in order of time. As `points` when there are too many. */
  corrections(device: string, fromMs: number, toMs: number): Promise<StoredCorrection[]>
  /** Latest cut of every (stream, device); closed streams older than a day are summed under stream `earlier`. */
  ledger(): Promise<LedgerRow[]>
  /** By device. */
  totals(): Promise<Record<string, StoreTotal>>
  /** Lines for people between two times, in order of time: the newest `limit` of them, 10,000 at most. */
  events(fromMs: number, toMs: number, limit?: number): Promise<StoredEvent[]>
}

export type Store = StoreWriter & StoreReader

/** Questions that another thread answers, each by its name. */
export function asked(ask: <Answer>(method: keyof StoreReader, args: unknown[]) => Promise<Answer>): StoreReader {
  return {
    refresh: (...args) => ask('refresh', args),
    devices: (...args) => ask('devices', args),
    points: (...args) => ask('points', args),
    segments: (...args) => ask('segments', args),
    rollUp: (...args) => ask('rollUp', args),
    gaps: (...args) => ask('gaps', args),
    corrections: (...args) => ask('corrections', args),
    ledger: (...args) => ask('ledger', args),
    totals: (...args) => ask('totals', args),
    events: (...args) => ask('events', args),
  }
}
