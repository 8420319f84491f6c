/**
 * A document store: events, alarms, rejections and device log lines, to be searched by people. It is idempotent by identity:
 * a document's id is made from the position of what it was made from, so whatever is written again replaces itself.
 */
import type { Topic } from '@millrace/contract'
import type { LogRecord } from '../log/log.ts'
import type { Refused } from '../stage/index.ts'

export interface DocumentStore {
  /** The topics that it wants; of the timeline it takes what people read, never the readings. */
  readonly topics: Topic[]
  /** Records of one partition of the log with that id, in order; durable when resolved. Returns what the store will never take. @throws MillraceError STORE_WRITE when a retry may help */
  write(log: string, topic: Topic, partition: number, records: LogRecord[]): Promise<Refused[]>
  close(): Promise<void>
}
