/**
 * A time-series store. `write` is idempotent; a store that can keeps its marks in the same transaction as the rows.
 * In every store equal (series, t) collapse: the last position wins and the loser is counted.
 */
import type { AbsenceReason, Channel, CutCounts, Segment, Tally, Value } from '@millrace/contract'
import type { LogRecord } from '../log/log.ts'

export interface StoreWriter {
  /** Next offset to read of each timeline partition, as of the last durable write. */
  open(): Promise<Map<number, number>>
  /** Timeline records in order; durable when resolved. Records at or below the mark are ignored. */
  write(partition: number, records: LogRecord[]): Promise<void>
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
  /** read − stored − filtered − rejected − evicted − collapsed; zero when the ledger closes. */
  difference: Tally
}

export interface StoreReader {
  devices(): Promise<{ device: string; subject: string; node: string; channels: Channel[] }[]>
  points(device: string, channel: string, fromMs: number, toMs: number, limit?: number): Promise<SeriesPoints>
  segments(device: string, channel: string, fromMs: number, toMs: number, limit?: number): Promise<Segment[]>
  rollUp(device: string, channel: string, fromMs: number, toMs: number, stepMs: number): Promise<RollUp>
  gaps(device: string | undefined, fromMs: number, toMs: number): Promise<StoredGap[]>
  /** Latest cut of every (stream, device); closed streams older than a day are summed under stream `earlier`. */
  ledger(): Promise<LedgerRow[]>
  /** Rows in the store now, by device, cut or no cut. */
  totals(): Promise<Record<string, { stored: Tally; collapsed: Tally; firstMs: number; lastMs: number }>>
}

export type Store = StoreWriter & StoreReader
