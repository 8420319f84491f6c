/**
 * A sink takes records of the log to where people and other programs look for them, and is asked nothing: what answers questions
 * about readings is a store (`../stores/store.ts`). The role (`../roles/sinks.ts`) reads the log, keeps the position, tries again
 * and rejects what is refused. `conformance.ts` is the contract as a test suite.
 *
 * What was written may be written again, after a crash or a takeover. Whatever a sink makes of a record therefore has an id that
 * follows from the record's source position and is the same each time.
 */
import type { Source, Topic } from '@millrace/contract'
import type { LogRecord } from '../log/log.ts'
import type { Refused } from '../stage/index.ts'

export interface Sink {
  /** The topics that it wants. */
  readonly topics: Topic[]
  /** True: what is written again is there once. False: at least once, and a reader drops what has an id that it has seen. */
  readonly isIdempotent: boolean
  /** Records of one partition of the log with that id, in order; durable when resolved, or where `position` says so. Returns what the sink will never take. @throws MillraceError STORE_WRITE when a retry may help */
  write(log: string, topic: Topic, partition: number, records: LogRecord[]): Promise<Refused[]>
  /** For a sink that must know of earlier records of a partition. What `save` gives is kept with the position. */
  readonly memory?: {
    save(topic: Topic, partition: number): unknown
    /** What was saved with the position at which the partition is taken up; undefined at its beginning. */
    restore(topic: Topic, partition: number, saved: unknown): void
  }
  /** Of a sink that makes durable later what it took, and keeps the position with it: the log keeps what is not durable yet. */
  readonly position?: {
    /** Takes a partition up again, at its start and after each failure: what was not durable is forgotten. @param start the first offset that the log has @returns the next offset */
    open(log: string, topic: Topic, partition: number, start: number): Promise<number>
    /** All before this offset is durable. */
    durable(topic: Topic, partition: number): number
  }
  close(): Promise<void>
}

/** Where a record is; its log is the one that a sink reads from. */
export interface Place {
  log: string
  topic: Topic
  partition: number
}

/** What a sink refuses of a record. @param atMs now */
export function refusalOf(
  { offset, value }: LogRecord,
  { detail, reason, atMs }: { detail: string; reason: Refusal; atMs: number },
): Refused {
  const bytesBase64 = Buffer.from(value).toString('base64')
  return { offset, rejected: { f: 1, k: 'rejected', reason, detail, at: 'store', lost: [0, 0], atMs, bytesBase64 } }
}
type Refusal = 'STORE_DOCUMENT_REFUSED' | 'SINK_RECORD_REFUSED'

/** Stays when the record comes again under another offset. */
export function identityOf({ log, topic, partition }: Place, { offset, source }: { offset: number; source?: Source }): string {
  return source
    ? `${source.log}:${source.partition}:${source.offset}:${source.index}`
    : `${log}:${topic}:${partition}:${offset}:-`
}
