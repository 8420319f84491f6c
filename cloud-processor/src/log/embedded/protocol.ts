/** What the log's thread and its two workers say to each other. */
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

/** `damaged`: what is wrong with those newer than this one; without a state when none can be read. */
export interface FoundSnapshot {
  next: number
  state?: Uint8Array
  damaged?: string
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

export type WriterAsk =
  | { k: 'group'; group: Group }
  | { k: 'trim'; trim: Trim }
  | { k: 'snapshot'; stage: string; partition: number }

export interface Opened {
  id: string
  /** It was damaged where SQLite has to go: rescue.ts. */
  rescued?: { aside: string; blocks: number }
  slots: Slot[]
  marks: Mark[]
}

/** Of the slots that were written, their new totals. */
export type Totals = [slot: number, total: number][]

export interface Trimmed {
  slots: { slot: number; start: number; trimmed: number }[]
  more: boolean
}

export interface ToReader {
  slot: number
  from: number
  end: number
  records: number
  bytes: number
}

export interface FoundBlock {
  first: number
  count: number
  timeMs: number
  /** 0 where it cannot be read. */
  bytes: number
  /** What is wrong with it; `fromMs`: when the block before it was written, as far as it is known. */
  damage?: { detail: string; fromMs: number }
}

export interface FromReader {
  /** Whole blocks, the first of which may begin before `from`, and what lies between them and cannot be read. */
  blocks: FoundBlock[]
  buffer: Uint8Array
}
