/**
 * The two requests of the hot path, Produce v9 and Fetch v13, with record batches as bytes. Layouts as in the Kafka protocol
 * guide; all other requests are the library's.
 */
import { putVarint } from '@millrace/platform/varint'
import type { Fields } from './fields.ts'
import type { Frames } from './frames.ts'

export interface ToProduce {
  topic: string
  partition: number
  batch: Buffer
}

export interface ProduceAnswer {
  topic: string
  partition: number
  code: number
  first: number
  detail: string | null
}

const noTags = Buffer.of(0)

/**
 *     transactional_id COMPACT_NULLABLE_STRING  acks INT16  timeout_ms INT32
 *     [topics]: name COMPACT_STRING, [partitions]: index INT32, records COMPACT_RECORDS
 */
export async function produce(frames: Frames, toProduce: ToProduce[], timeoutMs: number): Promise<ProduceAnswer[]> {
  const topics = Map.groupBy(toProduce, ({ topic }) => topic)
  const start = Buffer.allocUnsafe(12)
  start[0] = 0
  start.writeInt16BE(-1, 1)
  start.writeInt32BE(timeoutMs, 3)
  const body: Buffer[] = [start.subarray(0, putVarint(start, 7, topics.size + 1))]
  for (const [topic, partitions] of topics) {
    const name = Buffer.allocUnsafe(10 + topic.length * 3)
    const nameAt = putVarint(name, 0, Buffer.byteLength(topic) + 1)
    body.push(name.subarray(0, putVarint(name, nameAt + name.write(topic, nameAt), partitions.length + 1)))
    for (const { partition, batch } of partitions) {
      const before = Buffer.allocUnsafe(9)
      before.writeInt32BE(partition, 0)
      body.push(before.subarray(0, putVarint(before, 4, batch.length + 1)), batch, noTags)
    }
    body.push(noTags)
  }
  body.push(noTags)
  const fields = await frames.ask({ key: 0, version: 9 }, body)
  return fields.array(() => readProducedTopic(fields)).flat()
}

function readProducedTopic(fields: Fields): ProduceAnswer[] {
  const topic = fields.text()!
  return fields.array(() => readProduced(topic, fields))
}

/** index INT32, error_code INT16, base_offset INT64, log_append_time_ms INT64, log_start_offset INT64, [record_errors], error_message */
function readProduced(topic: string, fields: Fields): ProduceAnswer {
  const partition = fields.int32()
  const code = fields.int16()
  const first = fields.int64()
  fields.skip(16)
  const details = fields.array(() => {
    fields.skip(4)
    return fields.text()
  })
  return { topic, partition, code, first, detail: fields.text() ?? details[0] ?? null }
}

export interface ToFetch {
  /** 32 hexadecimal digits. */
  topicId: string
  partition: number
  from: number
  bytesMax: number
}

export interface FetchAnswer {
  topicId: string
  partition: number
  code: number
  end: number
  start: number
  /** A view of the answer. */
  records: Buffer
}

export interface FetchAnswers {
  code: number
  partitions: FetchAnswer[]
}

/**
 *     replica_id INT32  max_wait_ms INT32  min_bytes INT32  max_bytes INT32  isolation_level INT8  session_id INT32  session_epoch INT32
 *     [topics]: topic_id UUID, [partitions]: partition INT32, current_leader_epoch INT32, fetch_offset INT64,
 *         last_fetched_epoch INT32, log_start_offset INT64, partition_max_bytes INT32
 *     [forgotten_topics]  rack_id COMPACT_STRING
 */
export async function fetch(frames: Frames, wants: ToFetch[], waitMs: number, bytesMax: number): Promise<FetchAnswers> {
  const topics = Map.groupBy(wants, ({ topicId }) => topicId)
  const body = Buffer.allocUnsafe(40 + topics.size * 25 + wants.length * 33)
  body.writeInt32BE(-1, 0)
  body.writeInt32BE(waitMs, 4)
  body.writeInt32BE(1, 8)
  body.writeInt32BE(bytesMax, 12)
  body[16] = 0
  body.writeInt32BE(0, 17)
  body.writeInt32BE(-1, 21)
  let at = putVarint(body, 25, topics.size + 1)
  for (const [topicId, partitions] of topics) {
    at += body.write(topicId, at, 'hex')
    at = putVarint(body, at, partitions.length + 1)
    for (const want of partitions) at = putWant(body, at, want)
    body[at++] = 0
  }
  // No topics forgotten, no rack, no tags.
  at = putVarint(body, at, 1)
  at = putVarint(body, at, 1)
  body[at++] = 0
  const fields = await frames.ask({ key: 1, version: 13 }, [body.subarray(0, at)])
  fields.skip(4)
  const code = fields.int16()
  fields.skip(4)
  return { code, partitions: fields.array(() => readFetchedTopic(fields)).flat() }
}

function putWant(body: Buffer, at: number, { partition, from, bytesMax }: ToFetch): number {
  body.writeInt32BE(partition, at)
  body.writeInt32BE(-1, at + 4)
  body.writeInt32BE(Math.floor(from / 2 ** 32), at + 8)
  body.writeUInt32BE(from % 2 ** 32, at + 12)
  body.fill(0xff, at + 16, at + 28)
  body.writeInt32BE(bytesMax, at + 28)
  body[at + 32] = 0
  return at + 33
}

function readFetchedTopic(fields: Fields): FetchAnswer[] {
  const topicId = fields.uuid()
  return fields.array(() => readFetched(topicId, fields))
}

/**
 *     partition INT32, error_code INT16, high_watermark INT64, last_stable_offset INT64, log_start_offset INT64,
 *     [aborted_transactions]: producer_id INT64, first_offset INT64; preferred_read_replica INT32, records COMPACT_RECORDS
 */
function readFetched(topicId: string, fields: Fields): FetchAnswer {
  const partition = fields.int32()
  const code = fields.int16()
  const end = fields.int64()
  fields.skip(8)
  const start = fields.int64()
  fields.array(() => fields.skip(16))
  fields.skip(4)
  return { topicId, partition, code, end, start, records: fields.bytes() }
}
