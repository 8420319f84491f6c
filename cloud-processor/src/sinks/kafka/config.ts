/** Configuration of the sink on Kafka. */
import { z } from 'zod'
import { connectionKeys, unsafeBroker } from '../../kafka/connection.ts'

const topicSchema = z.string().regex(/^[A-Za-z0-9._-]{1,249}$/)

export const kafkaSinkSchema = z
  .strictObject({
    kind: z.literal('kafka').describe('Your own topics, one plain JSON record for each reading and alarm'),
    ...connectionKeys,
    topics: z
      .strictObject({
        readings: topicSchema.optional().describe('Topic of the readings; absent: none are written'),
        alarms: topicSchema.optional().describe('Topic of the changes of alarms; absent: none are written'),
      })
      .describe('Names of your topics'),
    source: z.string().min(1).default('/millrace').describe('`ce_source` of every record: a URI of this installation'),
    compression: z.enum(['none', 'gzip']).default('none').describe('Of the batches'),
    batchBytesMax: z
      .int()
      .min(1024)
      .default(900_000)
      .describe('Records sent together, before compression; a larger one is refused. Below the topics’ max.message.bytes'),
  })
  .refine(({ topics }) => topics.readings !== undefined || topics.alarms !== undefined, {
    path: ['topics'],
    error: 'name a topic for readings, for alarms, or for both',
  })
  .refine((config) => unsafeBroker(config) === undefined, {
    path: ['brokers'],
    error: 'brokers that are not on loopback need tls; or set insecurePlaintext: true',
  })

export type KafkaSinkConfig = z.output<typeof kafkaSinkSchema>
