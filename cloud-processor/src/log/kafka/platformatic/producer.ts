/**
 * One idempotent producer. A batch keeps the bytes, producer and sequence with which it was first sent, so that the broker
 * recognises it when it is sent again.
 */
import { crc32c, initProducerIdV4 } from '@platformatic/kafka'
import { type Batch, KafkaFailure, keyOf, type Produced } from '../client.ts'
import { chunkOf } from '../record-batch/chunk.ts'
import { type Encoded, encodeBatch, encodeRecords } from '../record-batch/encode.ts'
import type { ProducerId } from '../record-batch/layout.ts'
import type { Cluster } from './cluster.ts'
import { failureOf } from './errors.ts'
import { type ProduceAnswer, produce } from './requests.ts'

export interface ProducerOptions {
  compression: 'zstd' | 'none'
  requestMs: number
}

interface Stamp {
  encoded: Encoded
  bytes?: Buffer
  producer?: ProducerId
}

/** Answers by partition. */
type Answers = Map<string, ProduceAnswer>

export class Producer {
  readonly #cluster: Cluster
  readonly #options: ProducerOptions
  #id: ProducerId | undefined
  #beginning: Promise<void> | undefined
  /** Next one by partition. */
  readonly #sequences = new Map<string, number>()

  constructor(cluster: Cluster, options: ProducerOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  /** One request for each node. */
  send(batches: Batch[]): Promise<Produced>[] {
    const stamped = this.#stamp(batches)
    const inFlight = new Map<number | undefined, Promise<Answers>>()
    return batches.map(async (batch) => {
      await stamped
      const node = this.#cluster.leader(batch)
      let answers = inFlight.get(node)
      if (!answers) {
        const ofNode = batches.filter((other) => this.#cluster.leader(other) === node)
        answers = this.#sendTo(node, ofNode)
        inFlight.set(node, answers)
      }
      return producedOf(batch, await answers)
    })
  }

  async #sendTo(node: number | undefined, batches: Batch[]): Promise<Answers> {
    const wanted = batches.map((batch) => ({ topic: batch.topic, partition: batch.partition, batch: stampOf(batch).bytes! }))
    const answers = await this.#cluster.atNode(node, 'produce', (connection) =>
      produce(connection, wanted, this.#options.requestMs),
    )
    return new Map(answers.map((answer) => [keyOf(answer), answer]))
  }

  /** Resolves when every batch has its bytes. */
  async #stamp(batches: Batch[]): Promise<void> {
    const { compression } = this.#options
    const fresh = batches.filter((batch) => !stampOf(batch).bytes)
    if (fresh.length === 0) return
    while (!this.#id) await this.#begin()
    for (const batch of fresh) {
      const key = keyOf(batch)
      const sequence = this.#sequences.get(key) ?? 0
      const stamp = stampOf(batch)
      stamp.producer = this.#id
      stamp.bytes = encodeBatch(stamp.encoded, { producer: this.#id, sequence, compression, crc32c })
      this.#sequences.set(key, (sequence + batch.records.length) % 2 ** 31)
    }
  }

  #begin(): Promise<void> {
    this.#beginning ??= this.#cluster
      .atAny((connection) => initProducerIdV4.api.async(connection, null, 0))
      .then(({ producerId, producerEpoch }) => {
        this.#id = { id: producerId, epoch: producerEpoch }
        this.#sequences.clear()
      })
      .finally(() => {
        this.#beginning = undefined
      })
    return this.#beginning
  }

  /** What follows is a new sequence to the broker. Batches of other partitions in flight keep the producer they began with. */
  abandon(batch: Batch): void {
    if (this.#id && stampOf(batch).producer === this.#id) this.#id = undefined
  }
}

function stampOf(batch: Batch): Stamp {
  batch.stamp ??= { encoded: encodeRecords(batch.topic, batch.records, batch.timeMs) } satisfies Stamp
  return batch.stamp as Stamp
}

function producedOf(batch: Batch, answers: Answers): Produced {
  const answer = answers.get(keyOf(batch))
  if (!answer) throw new KafkaFailure('NO_ANSWER', true)
  if (answer.code !== 0) throw failureOf(answer.code, answer.detail)
  const { encoded, bytes } = stampOf(batch)
  const wireBytes = bytes!.length
  return { first: answer.first, wireBytes, chunk: (first) => chunkOf(encoded, first, wireBytes) }
}
