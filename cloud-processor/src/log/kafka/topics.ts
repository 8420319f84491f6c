/**
 * The topics of one log. Made with stated partitions, replicas and retention when they are missing; found otherwise.
 *
 *     <prefix>raw, timeline, rejected, alarms   `partitions` each; Kafka drops nothing by itself, trim.ts does
 *     <prefix>snapshots                         `partitions`, compacted: snapshots.ts
 *     <prefix>readers                           1, compacted: registry.ts
 *     <prefix>members                           1, kept for minutes: heartbeats.ts
 */
import { createHash } from 'node:crypto'
import { type Topic, topics } from '@millrace/contract'
import { type Clock, MillraceError } from '@millrace/platform'
import { type At, type KafkaClient, KafkaFailure, type NewTopic, type TopicInfo } from './client.ts'
import type { KafkaLogConfig } from './config.ts'
import { persist } from './retry.ts'

/** A record larger than a batch goes alone. Sparkplug messages are bounded by the broker, well below. */
const recordBytesMax = 16 << 20

export interface Names {
  data: Record<Topic, string>
  /** Back from Kafka's name. */
  topicOf: Map<string, Topic>
  snapshots: string
  readers: string
  members: string
  all: string[]
}

export function namesOf(prefix: string): Names {
  const entries = Object.entries(topics).map(([name, topic]) => [topic, `${prefix}${name}`] as const)
  const snapshots = `${prefix}snapshots`
  const readers = `${prefix}readers`
  const members = `${prefix}members`
  return {
    data: Object.fromEntries(entries) as Record<Topic, string>,
    topicOf: new Map(entries.map(([topic, name]) => [name, topic])),
    snapshots,
    readers,
    members,
    all: [...entries.map(([, name]) => name), snapshots, readers, members],
  }
}

export function partitionsOf(topics: string[], count: number): At[] {
  return topics.flatMap((topic) => Array.from({ length: count }, (_, partition) => ({ topic, partition })))
}

/** Finds or makes the topics; waits for a Kafka that is only starting. @throws MillraceError LOG_PARTITIONS @throws KafkaFailure */
export async function openTopics(client: KafkaClient, config: KafkaLogConfig, names: Names, clock: Clock) {
  const topics = wanted(config, names)
  const find = async () => {
    const found = await client.topics(names.all)
    const missing = topics.filter(({ name }) => !found.has(name))
    if (missing.length > 0) {
      await client.createTopics(missing)
      throw new KafkaFailure('UNKNOWN_TOPIC_OR_PARTITION', true, `no topic ${missing[0]!.name} yet`)
    }
    for (const { name, partitions } of topics) {
      check(found.get(name)!, name, partitions)
      for (let partition = 0; partition < partitions; partition++)
        if (client.leader({ topic: name, partition }) === undefined)
          throw new KafkaFailure('LEADER_NOT_AVAILABLE', true, `${name}/${partition} has no leader yet`)
    }
    return found
  }
  return persist({ clock, deadlineMs: config.deliveryMs, refresh: async () => {}, isClosed: () => false }, find)
}

function check({ partitions: has }: TopicInfo, name: string, asked: number): void {
  if (has !== asked) throw new MillraceError('LOG_PARTITIONS', { path: name, has, asked })
}

/** Unique to the data: other topic ids are other data. */
export function logIdOf(found: Map<string, TopicInfo>, names: Names): string {
  const ids = Object.values(names.data).map((name) => found.get(name)!.id)
  return createHash('sha256').update(ids.join(' ')).digest('hex').slice(0, 32)
}

function wanted(config: KafkaLogConfig, names: Names): NewTopic[] {
  const { partitions, replicas, topicSettings } = config
  const common = {
    'min.insync.replicas': `${config.minInSyncReplicas ?? Math.min(2, replicas)}`,
    // As the processor compresses.
    'compression.type': 'producer',
  }
  const kept = {
    ...common,
    'max.message.bytes': `${recordBytesMax}`,
    'cleanup.policy': 'delete',
    'retention.ms': '-1',
    'retention.bytes': '-1',
  }
  const compacted = {
    ...common,
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0.1',
    'segment.bytes': `${32 << 20}`,
    'segment.ms': '600000',
    'delete.retention.ms': '600000',
  }
  const brief = { ...common, 'cleanup.policy': 'delete', 'retention.ms': '600000', 'segment.ms': '600000' }
  const data = Object.entries(topics).map(([short, topic]) => ({
    name: names.data[topic],
    partitions,
    replicas,
    config: { ...kept, ...topicSettings[short as keyof typeof topics] },
  }))
  return [
    ...data,
    { name: names.snapshots, partitions, replicas, config: { ...compacted, ...topicSettings.snapshots } },
    { name: names.members, partitions: 1, replicas, config: { ...brief, ...topicSettings.members } },
    { name: names.readers, partitions: 1, replicas, config: { ...compacted, ...topicSettings.readers } },
  ]
}
