/**
 * The Kafka client on @platformatic/kafka: its connections, logins and requests; our own record batches (record-batch/).
 * Needs Kafka 3.1 or later (topic ids in Fetch v13).
 */
import type { KafkaClient } from '../client.ts'
import { createTopics, deleteRecords, listOffsets } from './admin.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import { fetchAt } from './fetcher.ts'
import { Producer, type ProducerOptions } from './producer.ts'

export function createPlatformaticClient(options: ClusterOptions & ProducerOptions): KafkaClient {
  const { requestMs } = options
  const cluster = new Cluster(options)
  const producer = new Producer(cluster, options)
  return {
    topics: (names) => cluster.topics(names),
    createTopics: (topics) => createTopics(cluster, topics, requestMs),
    offsets: (partitions, at) => listOffsets(cluster, partitions, at),
    produce: (batches) => producer.send(batches),
    abandon: (batch) => producer.abandon(batch),
    leader: (at) => cluster.leader(at),
    fetch: (node, purpose, wants, waitMs) => fetchAt(cluster, { node, purpose, waitMs }, wants),
    deleteRecords: (upTo) => deleteRecords(cluster, upTo, requestMs),
    close: async () => cluster.close(),
  }
}
