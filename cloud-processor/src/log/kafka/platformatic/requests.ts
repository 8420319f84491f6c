/**
 * Produce v9 and Fetch v13 with record batches as bytes: the library's own requests take and give an object for each record. Layouts
 * as in the Kafka protocol guide.
 */
import { type Connection, fetchV13, produceV9, type Reader, Writer } from '@platformatic/kafka'
import { answered } from './errors.ts'

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

export async function produce(connection: Connection, batches: ToProduce[], timeoutMs: number): Promise<ProduceAnswer[]> {
  const write = () => writeProduce(batches, timeoutMs)
  const { responses } = await answered(send(connection, produceV9.api, write, produceV9.parseResponse))
  return responses.flatMap(({ name, partitionResponses }) =>
    partitionResponses.map(({ index, errorCode, baseOffset, recordErrors, errorMessage }) => ({
      topic: name,
      partition: index,
      code: errorCode,
      first: Number(baseOffset),
      detail: errorMessage ?? recordErrors[0]?.batchIndexErrorMessage ?? null,
    })),
  )
}

/**
 *     transactional_id COMPACT_NULLABLE_STRING  acks INT16  timeout_ms INT32
 *     [topics]: name COMPACT_STRING, [partitions]: index INT32, records COMPACT_RECORDS
 */
function writeProduce(batches: ToProduce[], timeoutMs: number): Writer {
  const topics = [...Map.groupBy(batches, ({ topic }) => topic)]
  return Writer.create()
    .appendString(null)
    .appendInt16(-1)
    .appendInt32(timeoutMs)
    .appendArray(topics, (writer, [topic, partitions]) => {
      writer.appendString(topic).appendArray(partitions, (writer, { partition, batch }) => {
        writer.appendInt32(partition).appendBytes(batch)
      })
    })
    .appendTaggedFields()
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
  /** A view of the answer, if it came in one piece. */
  records: Buffer
}

export interface FetchAnswers {
  code: number
  partitions: FetchAnswer[]
}

export interface FetchLimits {
  waitMs: number
  bytesMax: number
}

export function fetch(connection: Connection, wants: ToFetch[], { waitMs, bytesMax }: FetchLimits): Promise<FetchAnswers> {
  const topics = [...Map.groupBy(wants, ({ topicId }) => topicId)].map(([topicId, all]) => ({
    topicId,
    partitions: all.map(toWanted),
  }))
  // All records, whatever is committed; no session; no topics forgotten, no rack.
  return send(connection, fetchV13.api, () => fetchV13.createRequest(waitMs, 1, bytesMax, 0, 0, -1, topics, [], ''), readFetched)
}

const toWanted = ({ partition, from, bytesMax }: ToFetch) => ({
  ...{ partition, currentLeaderEpoch: -1, fetchOffset: BigInt(from), lastFetchedEpoch: -1, partitionMaxBytes: bytesMax },
})

/** throttle_time_ms INT32, error_code INT16, session_id INT32, [topics]: topic_id UUID, [partitions] */
function readFetched(_id: number, _key: number, _version: number, reader: Reader): FetchAnswers {
  reader.skip(4)
  const code = reader.readInt16()
  reader.skip(4)
  const topics = reader.readArray((reader) => {
    const topicId = reader.readUUID()
    return reader.readArray((reader) => readPartition(topicId, reader))
  })
  return { code, partitions: topics.flat() }
}

/**
 *     partition INT32, error_code INT16, high_watermark INT64, last_stable_offset INT64, log_start_offset INT64,
 *     [aborted_transactions]: producer_id INT64, first_offset INT64; preferred_read_replica INT32, records COMPACT_RECORDS
 */
function readPartition(topicId: string, reader: Reader): FetchAnswer {
  const partition = reader.readInt32()
  const code = reader.readInt16()
  const end = Number(reader.readInt64())
  reader.skip(8)
  const start = Number(reader.readInt64())
  reader.readNullableArray((reader) => reader.skip(16))
  reader.skip(4)
  return { topicId, partition, code, end, start, records: reader.readNullableBytes() ?? Buffer.alloc(0) }
}

type Parse<Answer> = (correlationId: number, apiKey: number, apiVersion: number, reader: Reader) => Answer

function send<Answer>(
  connection: Connection,
  { key, version }: { key: number; version: number },
  write: () => Writer,
  parse: Parse<Answer>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null | undefined, answer: Answer | undefined) => (error ? reject(error) : resolve(answer!))
    connection.send(key, version, write, parse, true, true, settle)
  })
}
