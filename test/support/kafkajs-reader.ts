/** Reads a topic whole with kafkajs: a client independent of the writer, without code of Millrace except zstd, which kafkajs leaves to its user. */
import { randomUUID } from 'node:crypto'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import kafkajs, { type Consumer, type KafkaConfig } from 'kafkajs'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs

export interface ReadMessage {
  partition: number
  offset: number
  key: string
  value: Buffer
  timeMs: number
  headers: Record<string, string>
}

CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }: { buffer: Buffer }) => zstdCompressSync(buffer),
  decompress: async (buffer: Buffer) => zstdDecompressSync(buffer),
})

/** In the order in which they came, and within a partition in its order; until the ends that the topic has now. */
export async function readTopic(kafka: Pick<KafkaConfig, 'brokers' | 'ssl' | 'sasl'>, topic: string): Promise<ReadMessage[]> {
  const client = new Kafka({ ...kafka, clientId: 'reader', logLevel: logLevel.NOTHING })
  const admin = client.admin()
  await admin.connect()
  const bounds = await admin.fetchTopicOffsets(topic).finally(() => admin.disconnect())
  const missing = new Map(bounds.filter(({ low, high }) => low !== high).map(({ partition, high }) => [partition, Number(high)]))
  if (missing.size === 0) return []
  const consumer = client.consumer({ groupId: `reader-${randomUUID()}` })
  await consumer.connect()
  try {
    return await readUntil(consumer, topic, missing)
  } finally {
    await consumer.disconnect()
  }
}

/** @param ends next offset of each partition that has records */
async function readUntil(consumer: Consumer, topic: string, ends: Map<number, number>): Promise<ReadMessage[]> {
  const found = new Map<string, ReadMessage>()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    // It begins again by itself where that may help, such as while the group's coordinator is still loading.
    consumer.on('consumer.crash', ({ payload }) => payload.restart || reject(payload.error))
    const take = async ({
      partition,
      message,
    }: Parameters<NonNullable<Parameters<Consumer['run']>[0]>['eachMessage'] & {}>[0]) => {
      const headers = Object.entries(message.headers ?? {}).map(([name, text]) => [name, `${text}`])
      found.set(`${partition}/${message.offset}`, {
        ...{ partition, offset: Number(message.offset), key: `${message.key}`, value: message.value! },
        ...{ timeMs: Number(message.timestamp), headers: Object.fromEntries(headers) },
      })
      if (Number(message.offset) + 1 >= (ends.get(partition) ?? 0)) ends.delete(partition)
      if (ends.size === 0) resolve()
    }
    consumer.run({ eachMessage: take }).catch(reject)
  })
  return [...found.values()]
}
