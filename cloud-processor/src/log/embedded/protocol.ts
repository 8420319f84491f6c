/** What the log's thread and its two workers say to each other. */
import type { ErrorCode } from '@millrace/platform'

/** A topic partition. `slot` numbers it in the file. */
export interface Slot {
  slot: number
  topic: string
  partition: number
  /** First offset kept. */
  start: number
  /** Next offset to be given. */
  end: number
  /** Bytes of all blocks ever written, and of those trimmed. */
  total: number
  trimmed: number
}

export interface Mark {
  slot: number
  log: string
  partition: number
  offset: number
  index: number
}

/** Position of a block in a group's buffer. */
export interface BlockRow {
  slot: number
  first: number
  count: number
  timeMs: number
  from: number
  to: number
}

export interface SnapshotRow {
  stage: string
  partition: number
  next: number
  state: Uint8Array
}

export interface ReaderRow {
  name: string
  slot: number
  /** -1 removes the reader from every slot. */
  next: number
}

/** All that one transaction does. */
export interface Group {
  buffer: Uint8Array
  blocks: BlockRow[]
  marks: Mark[]
  snapshots: SnapshotRow[]
  readers: ReaderRow[]
}

/** Per slot: the bounds above which blocks go. */
export type Trim = { slot: number; bytesMax: number; beforeMs: number }[]

export type ToWriter =
  | { k: 'group'; group: Group }
  | { k: 'trim'; trim: Trim }
  | { k: 'snapshot'; stage: string; partition: number }
  | { k: 'close' }

export interface Failure {
  code: ErrorCode
  values: Record<string, string | number>
}

export type FromWriter =
  | { k: 'open'; id: string; slots: Slot[]; marks: Mark[] }
  | { k: 'refused'; failure: Failure }
  | { k: 'group'; totals: [slot: number, total: number][]; failure?: Failure }
  | { k: 'trim'; slots: { slot: number; start: number; trimmed: number }[]; more: boolean; failure?: Failure }
  | { k: 'snapshot'; found?: SnapshotRow; failure?: Failure }

export interface ToReader {
  slot: number
  from: number
  end: number
  records: number
  bytes: number
}

export interface FromReader {
  /** Whole blocks, the first of which may begin before `from`. */
  blocks: { first: number; count: number; timeMs: number; bytes: number }[]
  buffer: Uint8Array
  failure?: Failure
}
