/** Kafka as far as a writer sees it, with faults by a seed: it loses requests and answers, refuses, and knows a repeated batch. */
import { type Batch, type KafkaClient, KafkaFailure, keyOf, type Produced } from '../client.ts'

export type Fate = 'ok' | 'request lost' | 'answer lost' | 'refused' | 'too large'

export function simulateKafka(nextFate: (batch: Batch) => Fate) {
  const topics = new Map<string, string[]>()
  const taken = new Map<unknown, number>()
  const inFlight = new Set<string>()
  let mostInFlight = 0

  async function take(batch: Batch): Promise<Produced> {
    const key = keyOf(batch)
    if (inFlight.has(key)) throw new Error(`two batches of ${key} in flight`)
    inFlight.add(key)
    mostInFlight = Math.max(mostInFlight, inFlight.size)
    batch.stamp ??= {}
    await new Promise((resolve) => setImmediate(resolve))
    inFlight.delete(key)
    const fate = nextFate(batch)
    if (fate === 'request lost') throw new KafkaFailure('NO_ANSWER', true)
    if (fate === 'refused') throw new KafkaFailure('INVALID_RECORD', false)
    if (fate === 'too large' && !taken.has(batch.stamp)) throw new KafkaFailure('MESSAGE_TOO_LARGE', false)
    const records = topics.get(key) ?? []
    topics.set(key, records)
    const first = taken.get(batch.stamp) ?? records.length
    if (!taken.has(batch.stamp)) records.push(...batch.records.map(({ value }) => `${value}`))
    taken.set(batch.stamp, first)
    if (fate === 'answer lost') throw new KafkaFailure('NO_ANSWER', true)
    return { first, wireBytes: 1, chunk: () => ({}) as never }
  }

  const client = { produce: (batches: Batch[]) => batches.map(take), abandon() {} } as unknown as KafkaClient
  return { client, topics, mostInFlight: () => mostInFlight }
}
