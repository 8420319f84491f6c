/** What the store's thread and its workers say to each other. */
import type { StoreReader } from '../store.ts'

/** Timeline records of one call, their values one after the other. */
export interface Records {
  partition: number
  values: Uint8Array
  /** Six for each record: end of its value, offset, then source partition, offset, index, and log (-1: no source). */
  columns: Float64Array
  sourceLogs: string[]
}

export const columnsPerRecord = 6

/** A row that cannot be read, as far as it is known what it was. */
export interface DamagedRow {
  /** Table and place: each is told once. */
  key: string
  table: 'batches' | 'chunks' | 'minutes'
  /** Of a chunk, or of minutes. */
  series?: number
  hour?: number
  /** Of a batch: id of its device hour. */
  hourId?: number
  first?: number | undefined
  last?: number | undefined
  count?: number | undefined
  detail: string
}

export type ToWriter =
  | { k: 'open'; log: string }
  | { k: 'write'; records: Records }
  | { k: 'merge' }
  /** The reader found them. */
  | { k: 'damaged'; rows: DamagedRow[] }

export interface Done {
  /** For `open`. */
  positions?: [partition: number, next: number][]
  /** For `open`: logs of which this store holds records, other than the one opened. */
  otherLogs?: string[]
  /** For `write`: what was put in and what could not be read. */
  readings?: number
  samples?: number
  repeats?: number
  bad?: { offset: number; detail: string }[]
  /** Rows that were found to be damaged since the last answer. */
  damaged?: { place: string; detail: string }[]
}

export interface ToReader {
  method: keyof StoreReader
  args: unknown[]
}

export interface FromReader {
  answer: unknown
  damaged: DamagedRow[]
}

/** An hour to be merged: batches up to and including `upTo`. */
export interface MergeJob {
  id: number
  device: number
  hour: number
  upTo: number
}

export interface MergedChunk {
  series: number
  part: number
  first: number
  last: number
  count: number
  body: Uint8Array
}

export interface Merged {
  job: MergeJob
  /** Series whose chunks of the hour are replaced. */
  series: number[]
  chunks: MergedChunk[]
  minutes: { series: number; body: Uint8Array }[]
  damaged: DamagedRow[]
}
