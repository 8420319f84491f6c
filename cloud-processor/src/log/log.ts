/**
 * The event log: topics of fixed partitions, each a total order of records. Plug-ins: `embedded` (SQLite in a worker thread,
 * owned by one process) and `kafka` (shared by any number of processes). `conformance.ts` is the contract as a test suite.
 *
 * Offsets rise by one from 0 in the embedded log; a reader must not rely on "by one", only on "rise".
 *
 * A record with a source may stand in a topic more than once after a failure or a takeover, always behind its first copy and
 * with everything before it durable. So a reader takes a record only when its (offset, index) is above its mark for that
 * (input partition, source log, source partition): `stage/marks.ts`. The embedded log spares its readers the repeats.
 */
import type { Source, Topic } from '@millrace/contract'
import type { z } from 'zod'
import type { Plugin } from '../kinds/index.ts'
import type { Heartbeats } from './heartbeats.ts'

export interface LogRecord {
  offset: number
  key: string
  value: Uint8Array
  /** When it was appended, epoch ms. */
  timeMs: number
  source?: Source
  /** This one stands in the place of records that cannot be read; it has the offset of the last of them. */
  damage?: Damage
}

/** Records that cannot be read. */
export interface Damage {
  topic: Topic
  partition: number
  /** Offset of the first that cannot be read, and of the first after it that can. */
  from: number
  to: number
  /** When the records before and after it were appended. */
  fromMs: number
  toMs: number
  detail: string
}

export interface NewRecord {
  key: string
  value: Uint8Array
  /** Of the record it was made from; absent for what the bridge brings in. */
  source?: Source
}

export interface Snapshot {
  /** The next offset to read. */
  next: number
  state: Uint8Array
}

export interface StageCommit {
  stage: string
  /** Input partition. */
  partition: number
  /** In order. Records that are there already may be skipped. */
  outputs: { topic: Topic; partition: number; records: NewRecord[] }[]
  snapshot?: Snapshot
}

export interface Log {
  /** Unique to this log's data: a log made again has another. */
  readonly id: string
  readonly partitions: number
  /** On a log that several processes may open at once. */
  readonly heartbeats?: Heartbeats
  /** Stable: FNV-1a of the key modulo `partitions`. */
  partitionOf(key: string): number
  /** Resolves, when durable, with the offset of the first record. Appends that wait together are committed together, in order of the calls. The records may be reused when resolved. @throws MillraceError LOG_FULL at the bound, LOG_BUSY when too much waits, LOG_WRITE when the disk refused or Kafka did not answer in time. A retry may help then. The embedded log holds none of the records; on Kafka some or all may be there, so who appends again must bear a repeat. */
  append(topic: Topic, partition: number, records: NewRecord[]): Promise<number>
  /** Durable records from `from` on, at most `limit.records` and about `limit.bytes` (always at least one when there is one). Records are shared between readers: do not change them. Where some cannot be read, one record stands in their place: damage.ts. @throws MillraceError LOG_OFFSET_GONE when `from` was trimmed or is beyond the end. */
  read(topic: Topic, partition: number, from: number, limit: { records: number; bytes: number }): Promise<LogRecord[]>
  /** First offset kept and next offset to be given. */
  bounds(topic: Topic, partition: number): Promise<{ start: number; end: number }>
  /**
   * Calls after records became durable and can be read, with the next offset; now and then also when nothing came. What other
   * processes append is told only for partitions that this process reads at their end. Returns the unsubscribe function.
   */
  onAppend(topic: Topic, listener: (partition: number, end: number) => void): () => void
  /**
   * Outputs and snapshot: in one durable step, or (Kafka) the outputs of each partition in order, nothing of it after a part that
   * failed, and the snapshot only when all are durable. Goes on when `append` is refused with LOG_FULL.
   */
  commit(step: StageCommit): Promise<void>
  /** The newest that can be read. @throws MillraceError LOG_SNAPSHOT_DAMAGED when there are some and none can. In a log made again (another `id`) the state of the old one may be kept, with `next` at the start of the input. */
  loadSnapshot(stage: string, partition: number): Promise<Snapshot | undefined>
  /** A registered reader's records, from `next` on, are not trimmed before it moves on by registering again. */
  registerReader(name: string, topic: Topic, partition: number, next: number): Promise<void>
  /** Forgets a reader that will not come back, on every topic. */
  unregisterReader(name: string): Promise<void>
  /** Names of the registered readers. Absent on a shared log, of whose readers some are other processes'. */
  readers?(): Promise<string[]>
  /** Drops, whole topic, what is older than the bounds in the configuration and needed by no registered reader. */
  trim(): Promise<void>
  close(): Promise<void>
}

export interface LogPlugin<Schema extends z.ZodObject = z.ZodObject> extends Plugin<Log, Schema> {
  /** Several processes may open it at once, and each may do a part of the work. */
  isShared: boolean
  /** Of a log in files of `dataDir` that were brought back from a copy: no position is given twice. Absent: the engine has backups of its own. */
  startNewEpoch?(dataDir: string): void
}
