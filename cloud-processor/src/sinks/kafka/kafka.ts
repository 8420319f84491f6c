/**
 * Readings and alarms into topics that the user names, for other programs.
 *
 *     record ─ message.ts ─► messages ─ send.ts ─► batches ─ connection.ts ─► acknowledged by all in-sync replicas | refused
 */
import { type Topic, topics } from '@millrace/contract'
import { MillraceError } from '@millrace/platform'
import type { PluginContext } from '../../kinds/index.ts'
import type { LogRecord } from '../../log/log.ts'
import type { Refused } from '../../stage/index.ts'
import { createDeclared } from '../declared.ts'
import { refusalOf, type Sink } from '../sink.ts'
import type { KafkaSinkConfig } from './config.ts'
import { type Connection, connect, nameOf } from './connection.ts'
import { type Message, messagesOf } from './message.ts'
import { sendAll } from './send.ts'

/** Asks nothing of the brokers yet: those that are down must not keep the processor from starting. */
export async function openKafkaSink(
  config: KafkaSinkConfig,
  { metrics, clock }: Pick<PluginContext, 'metrics' | 'clock'>,
  connection: Connection = connect(config),
): Promise<Sink> {
  const { source, batchBytesMax } = config
  const target: Partial<Record<Topic, string>> = {
    ...(config.topics.readings && { [topics.timeline]: config.topics.readings }),
    ...(config.topics.alarms && { [topics.alarms]: config.topics.alarms }),
  }
  const declared = createDeclared()
  const written = metrics.counter('millrace_sink_messages_total', 'Messages that a sink wrote into topics of the user')
  let isClosed = false

  const refuse = (record: LogRecord, detail: string): Refused =>
    refusalOf(record, { detail, reason: 'SINK_RECORD_REFUSED', atMs: clock.now() })

  return {
    topics: Object.keys(target) as Topic[],
    isIdempotent: false,
    memory: {
      save: (topic, partition) => (topic === topics.timeline ? declared.save(partition) : undefined),
      restore(topic, partition, saved) {
        if (topic === topics.timeline) declared.restore(partition, saved ?? [])
      },
    },
    async write(log, topic, partition, records) {
      if (isClosed) throw new MillraceError('STORE_CLOSED', { path: nameOf(config) })
      const to = target[topic]!
      const refused = new Map<LogRecord, Refused>()
      const recordOf = new Map<Message, LogRecord>()
      for (const record of records) {
        try {
          for (const message of messagesOf({ log, topic, partition }, record, { declared, source })) recordOf.set(message, record)
        } catch (error) {
          refused.set(record, refuse(record, `the record cannot be read: ${(error as Error).message}`))
        }
      }
      const unfit = await sendAll([...recordOf.keys()], { connection, topic: to, batchBytesMax })
      written.add({ topic: to }, recordOf.size - unfit.size)
      for (const [message, detail] of unfit) {
        const record = recordOf.get(message)!
        if (!refused.has(record)) refused.set(record, refuse(record, `${message.headers.ce_id}: ${detail}`))
      }
      return [...refused.values()].sort((a, b) => a.offset - b.offset)
    },
    async close() {
      isClosed = true
      await connection.close()
    },
  }
}
