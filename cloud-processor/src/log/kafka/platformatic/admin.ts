/** Topics, offsets and deletion: requests of the library, on our connections. */
import { createTopicsV7, deleteRecordsV2, listOffsetsV7 } from '@platformatic/kafka'
import type { At, NewTopic } from '../client.ts'
import type { Cluster } from './cluster.ts'
import { answered, failureOf } from './errors.ts'

export async function createTopics(cluster: Cluster, wanted: NewTopic[], timeoutMs: number): Promise<void> {
  const request = wanted.map(({ name, partitions, replicas, config }) => ({
    ...{ name, numPartitions: partitions, replicationFactor: replicas, assignments: [] },
    configs: Object.entries(config).map(([name, value]) => ({ name, value })),
  }))
  const answer = await cluster.atController((connection) =>
    answered(createTopicsV7.api.async(connection, request, timeoutMs, false)),
  )
  for (const { name, errorCode, errorMessage } of answer.topics) {
    const failure = failureOf(errorCode, `topic ${name}: ${errorMessage ?? ''}`)
    if (errorCode !== 0 && failure.name !== 'TOPIC_ALREADY_EXISTS') throw failure
  }
}

const times = { earliest: -2n, latest: -1n }

export function listOffsets(cluster: Cluster, partitions: At[], at: 'earliest' | 'latest' | number): Promise<number[]> {
  const timestamp = typeof at === 'number' ? BigInt(Math.floor(at)) : times[at]
  return cluster.atLeaders(partitions, async (connection, group) => {
    const request = byTopic(group, ({ partition }) => ({ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }))
    const { topics } = await answered(listOffsetsV7.api.async(connection, -1, 0, request))
    return topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, errorCode, offset }) => answerOf(name, partitionIndex, errorCode, offset)),
    )
  })
}

export function deleteRecords(cluster: Cluster, upTo: (At & { offset: number })[], timeoutMs: number): Promise<number[]> {
  return cluster.atLeaders(upTo, async (connection, group) => {
    const request = byTopic(group, ({ partition, offset }) => ({ partitionIndex: partition, offset: BigInt(offset) }))
    const { topics } = await answered(deleteRecordsV2.api.async(connection, request, timeoutMs))
    return topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, errorCode, lowWatermark }) => answerOf(name, partitionIndex, errorCode, lowWatermark)),
    )
  })
}

function answerOf(topic: string, partition: number, errorCode: number, offset: bigint): [At, number] {
  if (errorCode !== 0) throw failureOf(errorCode)
  return [{ topic, partition }, Number(offset)]
}

function byTopic<A extends At, P>(group: A[], toPartition: (at: A) => P): { name: string; partitions: P[] }[] {
  return [...Map.groupBy(group, ({ topic }) => topic)].map(([name, all]) => ({ name, partitions: all.map(toPartition) }))
}
