/** Configuration of the embedded log. */
import { z } from 'zod'

const mebibyte = 1024 * 1024

const retention = (bytes: number, hours: number, what: string) =>
  z
    .strictObject({
      bytesMax: z.int().positive().default(bytes).describe('Older records are dropped above this size.'),
      hoursMax: z.number().positive().default(hours).describe('Records older than this are dropped.'),
    })
    .prefault({})
    .describe(`How long ${what} are kept. What a registered reader still needs is never dropped.`)

/** What a configuration may say; where the file lies is `dataDir`. */
export const embeddedLogKeys = z
  .strictObject({
    partitions: z.int().min(1).max(256).default(1).describe('Partitions of each topic. Fixed when the log is made.'),
    bytesMax: z
      .int()
      .positive()
      .default(4096 * mebibyte)
      .describe('At this size new messages are refused until records are trimmed; stages go on.'),
    queueBytesMax: z
      .int()
      .positive()
      .default(64 * mebibyte)
      .describe('Bytes that may wait in memory for the disk; more are refused.'),
    tailBytesMax: z
      .int()
      .nonnegative()
      .default(16 * mebibyte)
      .describe('Newest records kept in memory for readers that follow live.'),
    retention: z
      .strictObject({
        raw: retention(1536 * mebibyte, 168, 'messages as they came'),
        timeline: retention(1536 * mebibyte, 168, 'timeline records'),
        rejected: retention(256 * mebibyte, 720, 'rejected messages'),
        alarms: retention(256 * mebibyte, 8760, 'alarm changes'),
      })
      .prefault({})
      .describe('Bounds for each topic.'),
  })
  .refine((config) => Object.values(config.retention).reduce((sum, topic) => sum + topic.bytesMax, 0) <= config.bytesMax, {
    path: ['bytesMax'],
    error: 'is less than the sum of retention.*.bytesMax; the log would fill up before anything is trimmed',
  })

export const embeddedLogSchema = embeddedLogKeys.safeExtend({
  path: z.string().default('data/log.sqlite').describe('The file. Its folder is made if missing.'),
})

export type EmbeddedLogConfig = z.infer<typeof embeddedLogSchema>
/** As a person writes it: every key may be left out. */
export type EmbeddedLogOptions = z.input<typeof embeddedLogSchema>
