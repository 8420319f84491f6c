/**
 * What the log asks of a Kafka client: partitions, positions and topic ids of our own choosing, no consumer groups. Only this
 * folder's clients know a Kafka library.
 */
import type { Source } from '@millrace/contract'
import type { LogRecord } from '../log.ts'

export interface At {
  topic: string
  partition: number
}

export interface TopicInfo {
  /** Unique: a topic deleted and made again has another. */
  id: string
  partitions: number
}

export interface NewTopic {
  name: string
  partitions: number
  replicas: number
  config: Record<string, string>
}

/** A null value is a tombstone. */
export interface KafkaRecord {
  key: string
  value: Uint8Array | null
  source?: Source
}

/** Records for one partition that become durable together or not at all. */
export interface Batch extends At {
  records: KafkaRecord[]
  timeMs: number
  /** The client's own: what it needs to send the same batch again as a repeat that the broker recognises. */
  stamp?: unknown
}

export interface Produced {
  /** Offset of the first record. */
  first: number
  /** As they went over the wire. */
  wireBytes: number
  /** The same records for readers, so that they need not be fetched. */
  chunk(first: number): Chunk
}

/** Neighbouring records of one partition, kept as bytes. */
export interface Chunk {
  first: number
  /** Offset after the last. */
  next: number
  /** Records inside. */
  count: number
  /** In memory. */
  bytes: number
  wireBytes: number
  /** Appends the records from `from` on to `into`, until `into` holds `limit.records` or `limit.bytes` of values. */
  decode(from: number, into: LogRecord[], limit: { records: number; bytes: number }): void
}

export interface Want extends At {
  from: number
  bytesMax: number
  /** Asked when the answer is here: batches that end at or before this offset are not unpacked. */
  has?(): number
}

export interface Fetched extends At {
  /** The first offset kept and the next to be given, as the broker knows them; -1 with an error. */
  start: number
  end: number
  chunks: Chunk[]
  /** Whether batches were left out because of `has`. */
  isRepeat?: boolean
  error?: KafkaFailure
}

/** Connections of their own, so that a long poll holds nothing up. */
export type Purpose = 'tail' | 'read' | 'heartbeats'

export interface KafkaClient {
  /** Asks again, and remembers leaders. A topic that does not exist is missing. */
  topics(names: string[]): Promise<Map<string, TopicInfo>>
  /** Leaves topics that exist as they are. */
  createTopics(topics: NewTopic[]): Promise<void>
  /** First offset kept, next to be given, or the first at or after a time (-1: none). */
  offsets(partitions: At[], at: 'earliest' | 'latest' | number): Promise<number[]>
  /** One promise a batch. At most one batch of a partition may be in flight. Sent again after a failure that `retry`s, a batch is recognised by the broker. @throws KafkaFailure */
  produce(batches: Batch[]): Promise<Produced>[]
  /** Gives up a batch whose fate is unknown: what follows is a new sequence to the broker. */
  abandon(batch: Batch): void
  /** Node that leads the partition, as far as known. */
  leader(at: At): number | undefined
  fetch(node: number, purpose: Purpose, wants: Want[], waitMs: number): Promise<Fetched[]>
  /** Drops what is before the offsets; resolves with the first offsets kept. */
  deleteRecords(upTo: (At & { offset: number })[]): Promise<number[]>
  close(): Promise<void>
}

/** An answer of the broker, or none. `name` as in Kafka's protocol, such as NOT_LEADER_OR_FOLLOWER. */
export class KafkaFailure extends Error {
  readonly retry: boolean
  constructor(name: string, retry: boolean, detail = '', cause?: unknown) {
    super(detail === '' ? name : `${name}: ${detail}`, { cause })
    this.name = name
    this.retry = retry
  }
}

export const keyOf = ({ topic, partition }: At) => `${topic}/${partition}`
