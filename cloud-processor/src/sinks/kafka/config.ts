/** Configuration of the sink on Kafka. */
import { isLoopback } from '@millrace/platform'
import { z } from 'zod'

const topicSchema = z.string().regex(/^[A-Za-z0-9._-]{1,249}$/)

const tlsSchema = z.strictObject({
  caFile: z.string().optional().describe('PEM of the authority that signed the brokers’ certificates; absent: the system’s'),
  certFile: z.string().optional().describe('PEM of this processor’s own certificate, where the brokers ask for one'),
  keyFile: z.string().optional().describe('PEM of its key'),
})

const saslSchema = z.strictObject({
  mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).default('SCRAM-SHA-512').describe('How to log in'),
  username: z.string().describe('Name of the account; `$ConnectionString` for Event Hubs'),
  passwordFile: z.string().describe('File whose first line is its password; read at every connection, so that it can rotate'),
})

export const kafkaSinkSchema = z
  .strictObject({
    kind: z.literal('kafka').describe('Topics of yours, one plain JSON record for each reading and alarm'),
    brokers: z
      .array(z.string().regex(/^.+:\d+$/, 'is not host:port'))
      .min(1)
      .default(['127.0.0.1:9092'])
      .describe('Addresses host:port to begin with; the cluster names the others'),
    clientId: z.string().default('millrace').describe('Name of this client in Kafka’s own logs and quotas'),
    tls: tlsSchema.optional().describe('Encrypts every connection. Needed for brokers that are not on loopback'),
    sasl: saslSchema.optional().describe('Logs in to the brokers'),
    insecurePlaintext: z
      .boolean()
      .default(false)
      .describe('Talks to brokers that are not on loopback without TLS: anybody on the way reads and changes everything'),
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
    requestMs: z.int().min(500).default(10_000).describe('A request without an answer for this long has failed'),
  })
  .refine(({ topics }) => topics.readings !== undefined || topics.alarms !== undefined, {
    path: ['topics'],
    error: 'name a topic for readings, for alarms, or for both',
  })
  .refine(({ tls, insecurePlaintext, brokers }) => tls || insecurePlaintext || brokers.every(isLocal), {
    path: ['brokers'],
    error: 'brokers that are not on loopback need tls; or set insecurePlaintext: true',
  })

export type KafkaSinkConfig = z.output<typeof kafkaSinkSchema>

function isLocal(broker: string): boolean {
  return isLoopback(broker.slice(0, broker.lastIndexOf(':')))
}
