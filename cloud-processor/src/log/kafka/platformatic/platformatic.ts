/**
 * The Kafka client on @platformatic/kafka: its connections, logins and requests; our own record batches (record-batch.ts).
 * It keeps which node leads which partition, and one idempotent producer.
 *
 * Needs Kafka 3.1 or later (topic ids in Fetch v13).
 */
import {
  type Connection,
  crc32c,
  createTopicsV7,
  deleteRecordsV2,
  initProducerIdV4,
  listOffsetsV7,
  metadataV12,
} from '@platformatic/kafka'
import {
  type At,
  type Batch,
  type Chunk,
  type Fetched,
  type KafkaClient,
  KafkaFailure,
  keyOf,
  type Lane,
  type NewTopic,
  type Produced,
  type TopicInfo,
  type Want,
} from '../client.ts'
import { chunkOf, decodeBatches, type Encoded, encodeBatch, encodeRecords, type Producer } from '../record-batch.ts'
import { failureOf, toFailure } from './errors.ts'
import type { Frames } from './frames.ts'
import { type Address, createLanes, type LaneOptions } from './lanes.ts'
import { type FetchAnswer, fetch, type ProduceAnswer, produce } from './wire.ts'

export interface PlatformaticOptions extends LaneOptions {
  bootstrap: Address[]
  compression: 'zstd' | 'none'
}

/** A batch as it was first sent: sent again it must be the same to the byte. */
interface Stamp {
  encoded: Encoded
  bytes?: Buffer
  producer?: Producer
}

type Metadata = Awaited<ReturnType<typeof metadataV12.api.async>>
const fetchBytesMax = 16 << 20
/** Of one partition in one answer, in memory. */
const unpackedBytesMax = 4 << 20

export function createPlatformaticClient(options: PlatformaticOptions): KafkaClient {
  const lanes = createLanes(options)
  let nodes = new Map<number, Address>()
  const leaders = new Map<string, number>()
  const topicIds = new Map<string, string>()
  const topicNames = new Map<string, string>()
  let producer: Producer | undefined
  let beginning: Promise<void> | undefined
  const sequences = new Map<string, number>()
  let controller = -1

  async function anyNode<T>(call: (connection: Connection) => Promise<T>): Promise<T> {
    let failure: unknown
    for (const address of [...nodes.values(), ...options.bootstrap]) {
      try {
        return await lanes.use(address, 'admin', call)
      } catch (error) {
        failure = error
        if (!(error instanceof KafkaFailure) || error.name !== 'NO_ANSWER') throw error
      }
    }
    throw failure
  }

  function atNode<T>(
    node: number | undefined,
    purpose: string,
    call: (connection: Connection, frames: Frames) => Promise<T>,
  ): Promise<T> {
    const address = node === undefined ? undefined : nodes.get(node)
    if (!address) return Promise.reject(new KafkaFailure('LEADER_NOT_AVAILABLE', true))
    return lanes.use(address, purpose, call)
  }

  async function metadata(names: string[]): Promise<Metadata> {
    const found = await anyNode((connection) => answered(metadataV12.api.async(connection, names, false)))
    nodes = new Map(found.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    controller = found.controllerId
    for (const { name, topicId: uuid, errorCode, partitions } of found.topics) {
      if (errorCode !== 0 || !name) continue
      const topicId = uuid.replaceAll('-', '')
      topicIds.set(name, topicId)
      topicNames.set(topicId, name)
      for (const { partitionIndex, leaderId } of partitions) {
        const key = keyOf({ topic: name, partition: partitionIndex })
        if (leaderId >= 0) leaders.set(key, leaderId)
        else leaders.delete(key)
      }
    }
    return found
  }

  async function topics(names: string[]): Promise<Map<string, TopicInfo>> {
    const found = await metadata(names)
    const infos = new Map<string, TopicInfo>()
    for (const { name, errorCode, topicId, partitions } of found.topics) {
      if (errorCode === 0) infos.set(name!, { id: topicId, partitions: partitions.length })
      else if (failureOf(errorCode).name !== 'UNKNOWN_TOPIC_OR_PARTITION') throw failureOf(errorCode, `topic ${name}`)
    }
    return infos
  }

  async function createTopics(wanted: NewTopic[]): Promise<void> {
    const request = wanted.map(({ name, partitions, replicas, config }) => ({
      name,
      numPartitions: partitions,
      replicationFactor: replicas,
      assignments: [],
      configs: Object.entries(config).map(([name, value]) => ({ name, value })),
    }))
    const send = (connection: Connection) => answered(createTopicsV7.api.async(connection, request, options.requestMs, false))
    const answer = await (nodes.has(controller) ? atNode(controller, 'admin', send) : anyNode(send))
    for (const { name, errorCode, errorMessage } of answer.topics) {
      const failure = failureOf(errorCode, `topic ${name}: ${errorMessage ?? ''}`)
      if (errorCode !== 0 && failure.name !== 'TOPIC_ALREADY_EXISTS') throw failure
    }
  }

  async function offsets(partitions: At[], at: 'earliest' | 'latest' | number): Promise<number[]> {
    const timestamp = at === 'earliest' ? -2n : at === 'latest' ? -1n : BigInt(Math.floor(at))
    const found = new Map<string, number>()
    const ask = async ([node, group]: [number | undefined, At[]]) => {
      const request = byTopic(group, ({ partition }) => ({ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }))
      const answer = await atNode(node, 'admin', (connection) => answered(listOffsetsV7.api.async(connection, -1, 0, request)))
      for (const { name, partitions } of answer.topics)
        for (const { partitionIndex, errorCode, offset } of partitions) {
          if (errorCode !== 0) throw failureOf(errorCode)
          found.set(keyOf({ topic: name, partition: partitionIndex }), Number(offset))
        }
    }
    await Promise.all([...Map.groupBy(partitions, leader)].map(ask))
    return partitions.map((partition) => found.get(keyOf(partition))!)
  }

  function leader(at: At): number | undefined {
    return leaders.get(keyOf(at))
  }

  function beginProducing(): Promise<void> {
    beginning ??= anyNode((connection) => initProducerIdV4.api.async(connection, null, 0))
      .then(({ producerId, producerEpoch }) => {
        producer = { id: producerId, epoch: producerEpoch }
        sequences.clear()
      })
      .finally(() => {
        beginning = undefined
      })
    return beginning
  }

  /** Resolves when every batch has its bytes. */
  async function stamp(batches: Batch[]): Promise<void> {
    const fresh = batches.filter((batch) => !stampOf(batch).bytes)
    if (fresh.length === 0) return
    while (!producer) await beginProducing()
    for (const batch of fresh) {
      const key = keyOf(batch)
      const sequence = sequences.get(key) ?? 0
      const stamp = stampOf(batch)
      stamp.producer = producer
      stamp.bytes = encodeBatch(stamp.encoded, options.compression, producer, sequence, crc32c)
      sequences.set(key, (sequence + batch.records.length) % 2 ** 31)
    }
  }

  function stampOf(batch: Batch): Stamp {
    batch.stamp ??= { encoded: encodeRecords(batch.topic, batch.records, batch.timeMs) } satisfies Stamp
    return batch.stamp as Stamp
  }

  async function produceAt(node: number | undefined, batches: Batch[]): Promise<Map<string, ProduceAnswer>> {
    const toProduce = batches.map((batch) => ({ topic: batch.topic, partition: batch.partition, batch: stampOf(batch).bytes! }))
    const answers = await atNode(node, 'produce', (_, frames) => produce(frames, toProduce, options.requestMs))
    return new Map(answers.map((answer) => [keyOf(answer), answer]))
  }

  function send(batches: Batch[]): Promise<Produced>[] {
    const stamped = stamp(batches)
    const inFlight = new Map<number | undefined, Promise<Map<string, ProduceAnswer>>>()
    return batches.map(async (batch) => {
      await stamped
      const node = leader(batch)
      let answers = inFlight.get(node)
      if (!answers) {
        answers = produceAt(
          node,
          batches.filter((other) => leader(other) === node),
        )
        inFlight.set(node, answers)
      }
      const answer = (await answers).get(keyOf(batch))
      if (!answer) throw new KafkaFailure('NO_ANSWER', true)
      if (answer.code !== 0) throw failureOf(answer.code, answer.detail)
      const { encoded, bytes } = stampOf(batch)
      const wireBytes = bytes!.length
      return { first: answer.first, wireBytes, chunk: (first: number) => chunkOf(encoded, first, wireBytes) }
    })
  }

  async function fetchAt(node: number, lane: Lane, wants: Want[], waitMs: number): Promise<Fetched[]> {
    const known = wants.filter(({ topic }) => topicIds.has(topic))
    const toFetch = known.map(({ topic, partition, from, bytesMax }) => ({
      topicId: topicIds.get(topic)!,
      partition,
      from,
      bytesMax,
    }))
    const answer = await atNode(node, lane, (_, frames) => fetch(frames, toFetch, waitMs, fetchBytesMax))
    if (answer.code !== 0) throw failureOf(answer.code)
    return answer.partitions.map((found) => toFetched(found, known))
  }

  function toFetched({ topicId, partition, code, start, end, records }: FetchAnswer, wants: Want[]): Fetched {
    const topic = topicNames.get(topicId) ?? topicId
    if (code !== 0) return { topic, partition, start: -1, end: -1, chunks: [], error: failureOf(code) }
    if (records.length === 0) return { topic, partition, start, end, chunks: [] }
    const has = wants.find((want) => want.partition === partition && want.topic === topic)?.has?.()
    const chunks = decode(records, has)
    return { topic, partition, start, end, chunks, isRepeat: chunks.length === 0 && has !== undefined }
  }

  async function deleteRecords(upTo: (At & { offset: number })[]): Promise<number[]> {
    const starts = new Map<string, number>()
    const ask = async ([node, group]: [number | undefined, (At & { offset: number })[]]) => {
      const request = byTopic(group, ({ partition, offset }) => ({ partitionIndex: partition, offset: BigInt(offset) }))
      const answer = await atNode(node, 'admin', (connection) =>
        answered(deleteRecordsV2.api.async(connection, request, options.requestMs)),
      )
      for (const { name, partitions } of answer.topics)
        for (const { partitionIndex, errorCode, lowWatermark } of partitions) {
          if (errorCode !== 0) throw failureOf(errorCode)
          starts.set(keyOf({ topic: name, partition: partitionIndex }), Number(lowWatermark))
        }
    }
    await Promise.all([...Map.groupBy(upTo, leader)].map(ask))
    return upTo.map((at) => starts.get(keyOf(at))!)
  }

  return {
    topics,
    createTopics,
    offsets,
    produce: send,
    abandon(batch) {
      // Batches of other partitions that are under way keep the producer they began with.
      if (producer && stampOf(batch).producer === producer) producer = undefined
    },
    leader,
    fetch: fetchAt,
    deleteRecords,
    close: () => lanes.close(),
  }
}

/** An answer with an error code inside is an answer: its parts are looked at one by one. */
async function answered<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    const { response } = error as { response?: T }
    if (response) return response
    throw toFailure(error)
  }
}

function byTopic<A extends At, P>(group: A[], toPartition: (at: A) => P): { name: string; partitions: P[] }[] {
  return [...Map.groupBy(group, ({ topic }) => topic)].map(([name, all]) => ({ name, partitions: all.map(toPartition) }))
}

function decode(records: Buffer, has?: number): Chunk[] {
  try {
    return decodeBatches(records, unpackedBytesMax, has)
  } catch (error) {
    throw new KafkaFailure('CORRUPT_MESSAGE', false, `${error}`, error)
  }
}
