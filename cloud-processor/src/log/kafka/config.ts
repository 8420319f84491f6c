/** Configuration of the log on Kafka. */
import { z } from 'zod'
import { connectionKeys } from '../../kafka/connection.ts'

const mebibyte = 1024 * 1024
const topicNames = ['raw', 'timeline', 'rejected', 'alarms', 'snapshots', 'readers', 'members'] as const

const retention = (bytes: number, hours: number, what: string) =>
  z
    .strictObject({
      bytesMax: z.int().positive().default(bytes).describe('Older records are dropped above about this size on one replica.'),
      hoursMax: z.number().positive().default(hours).describe('Records older than this are dropped.'),
    })
    .prefault({})
    .describe(`How long ${what} are kept. What a registered reader still needs is never dropped.`)

export const kafkaLogSchema = z
  .strictObject({
    ...connectionKeys,
    topicPrefix: z
      .string()
      .regex(/^[A-Za-z0-9._-]+$/)
      .default('millrace.')
      .describe('Begins the names of all topics; two installations on one cluster need two'),
    partitions: z.int().min(1).max(1024).default(4).describe('Partitions of each topic. Fixed when the topics are made.'),
    replicas: z.int().min(1).max(9).default(3).describe('Copies of each partition; a single Kafka can hold only 1'),
    minInSyncReplicas: z
      .int()
      .min(1)
      .optional()
      .describe('Copies that must be there before a write is acknowledged; absent: 2, or 1 where replicas is 1'),
    compression: z.enum(['zstd', 'none']).default('zstd').describe('Of batches from 4 KiB on'),
    topicSettings: z
      .partialRecord(z.enum(topicNames), z.record(z.string(), z.string()))
      .default({})
      .describe('Further settings of Kafka, by topic (raw, timeline, ...), used when a topic is made'),
    deliveryMs: z
      .int()
      .min(1000)
      .default(30_000)
      .describe('Reads and writes are tried again for this long before they fail: longer than a broker restarts'),
    queueBytesMax: z
      .int()
      .positive()
      .default(64 * mebibyte)
      .describe('Bytes that may wait in memory for Kafka; more are refused.'),
    batchBytesMax: z
      .int()
      .min(1024)
      .default(900_000)
      .describe('Records of one partition sent together, before compression; below the topics’ max.message.bytes.'),
    tailBytesMax: z
      .int()
      .nonnegative()
      .default(16 * mebibyte)
      .describe('Newest records kept in memory for readers that follow live.'),
    bytesMax: z
      .int()
      .positive()
      .default(96 * 1024 * mebibyte)
      .describe('At about this size of all topics on one replica new messages are refused until records are trimmed.'),
    retention: z
      .strictObject({
        raw: retention(36 * 1024 * mebibyte, 168, 'messages as they came'),
        timeline: retention(36 * 1024 * mebibyte, 168, 'timeline records'),
        rejected: retention(4 * 1024 * mebibyte, 720, 'rejected messages'),
        alarms: retention(4 * 1024 * mebibyte, 8760, 'alarm changes'),
      })
      .prefault({})
      .describe('Bounds for each topic, kept by Millrace; Kafka’s own retention is switched off when the topics are made.'),
  })
  .refine((config) => Object.values(config.retention).reduce((sum, topic) => sum + topic.bytesMax, 0) <= config.bytesMax, {
    path: ['bytesMax'],
    error: 'is less than the sum of retention.*.bytesMax; the log would fill up before anything is trimmed',
  })
  .refine((config) => (config.minInSyncReplicas ?? 1) <= config.replicas, {
    path: ['minInSyncReplicas'],
    error: 'is more than replicas; nothing could be written',
  })

export type KafkaLogConfig = z.infer<typeof kafkaLogSchema>
/** As a person writes it: every key may be left out. */
export type KafkaLogOptions = z.input<typeof kafkaLogSchema>
