/**
 * The two requests of the hot path, Produce v9 and Fetch v13, with record batches as bytes. Layouts as in the Kafka protocol
 * guide; all other requests are the library's.
 */
import { createAPI, type Reader, Writer } from '@platformatic/kafka'

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

/**
 *     transactional_id COMPACT_NULLABLE_STRING  acks INT16  timeout_ms INT32
 *     [topics]: name COMPACT_STRING, [partitions]: index INT32, records COMPACT_RECORDS
 */
export const produce = createAPI<[toProduce: ToProduce[], timeoutMs: number], ProduceAnswer[]>(
  0,
  9,
  (toProduce: ToProduce[], timeoutMs: number) =>
    Writer.create()
      .appendString(null)
      .appendInt16(-1)
      .appendInt32(timeoutMs)
      .appendArray([...Map.groupBy(toProduce, ({ topic }) => topic)], (w, [topic, partitions]) => {
        w.appendString(topic).appendArray(partitions, (w, { partition, batch }) => {
          w.appendInt32(partition).appendBytes(batch)
        })
      })
      .appendTaggedFields(),
  (_correlationId, _key, _version, reader) =>
    reader
      .readArray((r) => {
        const topic = r.readString()
        return r.readArray((r) => readProduced(topic, r))
      })
      .flat(),
)

/** index INT32, error_code INT16, base_offset INT64, log_append_time_ms INT64, log_start_offset INT64, [record_errors], error_message */
function readProduced(topic: string, r: Reader): ProduceAnswer {
  const partition = r.readInt32()
  const code = r.readInt16()
  const first = Number(r.readInt64())
  r.skip(16)
  const details = r.readArray((r) => {
    r.readInt32()
    return r.readNullableString()
  })
  return { topic, partition, code, first, detail: r.readNullableString() ?? details[0] ?? null }
}

export interface ToFetch {
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
export const fetch = createAPI<[wants: ToFetch[], waitMs: number, bytesMax: number], FetchAnswers>(
  1,
  13,
  (wants: ToFetch[], waitMs: number, bytesMax: number) =>
    Writer.create()
      .appendInt32(-1)
      .appendInt32(waitMs)
      .appendInt32(1)
      .appendInt32(bytesMax)
      .appendInt8(0)
      .appendInt32(0)
      .appendInt32(-1)
      .appendArray([...Map.groupBy(wants, ({ topicId }) => topicId)], (w, [topicId, partitions]) => {
        w.appendUUID(topicId).appendArray(partitions, (w, { partition, from, bytesMax }) => {
          w.appendInt32(partition)
            .appendInt32(-1)
            .appendInt64(BigInt(from))
            .appendInt32(-1)
            .appendInt64(-1n)
            .appendInt32(bytesMax)
        })
      })
      .appendArray([], () => {})
      .appendString('')
      .appendTaggedFields(),
  (_correlationId, _key, _version, reader) => {
    reader.readInt32()
    const code = reader.readInt16()
    reader.readInt32()
    const topics = reader.readArray((r) => {
      const topicId = r.readUUID()
      return r.readArray((r) => readFetched(topicId, r))
    })
    return { code, partitions: topics.flat() }
  },
)

/**
 *     partition INT32, error_code INT16, high_watermark INT64, last_stable_offset INT64, log_start_offset INT64,
 *     [aborted_transactions]: producer_id INT64, first_offset INT64; preferred_read_replica INT32, records COMPACT_RECORDS
 */
function readFetched(topicId: string, r: Reader): FetchAnswer {
  const partition = r.readInt32()
  const code = r.readInt16()
  const end = Number(r.readInt64())
  r.skip(8)
  const start = Number(r.readInt64())
  r.readNullableArray((r) => {
    r.skip(16)
  })
  r.skip(4)
  return { topicId, partition, code, end, start, records: r.readBytes() }
}
