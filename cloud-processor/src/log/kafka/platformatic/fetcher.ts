/** Fetches record batches, and unpacks what memory has room for. */
import { type At, type Fetched, KafkaFailure, type Purpose, type Want } from '../client.ts'
import { decodeBatches } from '../record-batch/decode.ts'
import type { Cluster } from './cluster.ts'
import { failureOf } from './errors.ts'
import { type FetchAnswer, fetch } from './requests.ts'

const fetchBytesMax = 16 << 20
/** Of one partition in one answer, in memory. */
const unpackedBytesMax = 4 << 20

export interface Fetch {
  node: number
  purpose: Purpose
  waitMs: number
}

export async function fetchAt(cluster: Cluster, { node, purpose, waitMs }: Fetch, wants: Want[]): Promise<Fetched[]> {
  const known = wants.filter(({ topic }) => cluster.topicId(topic) !== undefined)
  const wanted = known.map(({ topic, partition, from, bytesMax }) => ({
    ...{ topicId: cluster.topicId(topic)!, partition, from, bytesMax },
  }))
  const limits = { waitMs, bytesMax: fetchBytesMax }
  const answer = await cluster.atNode(node, purpose, (connection) => fetch(connection, wanted, limits))
  if (answer.code !== 0) throw failureOf(answer.code)
  return answer.partitions.map((found) => toFetched(cluster.topicName(found.topicId) ?? found.topicId, found, known))
}

function toFetched(topic: string, { partition, code, start, end, records }: FetchAnswer, wants: Want[]): Fetched {
  if (code !== 0) return failed({ topic, partition }, failureOf(code))
  if (records.length === 0) return { topic, partition, start, end, chunks: [] }
  const has = wants.find((want) => want.partition === partition && want.topic === topic)?.has?.()
  try {
    const chunks = decodeBatches(records, unpackedBytesMax, has)
    return { topic, partition, start, end, chunks, isRepeat: chunks.length === 0 && has !== undefined }
  } catch (error) {
    // It harms no other partition of the answer.
    return failed({ topic, partition }, new KafkaFailure('CORRUPT_MESSAGE', false, `${error}`, error))
  }
}

const failed = (at: At, error: KafkaFailure): Fetched => ({ ...at, start: -1, end: -1, chunks: [], error })
