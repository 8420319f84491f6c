/**
 * kafkajs, and what is put around it. Its own sending again is off: after a change of leaders it may leave out those messages
 * whose partition moved to a broker that has answered already, and says that all are sent. A producer that failed once is given
 * up, and the next write has another.
 */
import { MillraceError } from '@millrace/platform'
import type { Kafka, KafkaConfig, Producer } from 'kafkajs'
import { connectMs, readPassword, readTls } from '../../kafka/connection.ts'
import type { KafkaSinkConfig } from './config.ts'
import type { Message } from './message.ts'
import { mendRequestQueue } from './request-queue.ts'

export interface Connection {
  /** Resolves when all in-sync replicas have them. @throws Unfit, MillraceError STORE_WRITE */
  send(topic: string, messages: Message[]): Promise<void>
  close(): Promise<void>
}

/** The broker takes none of these messages because of one of them, and never will. */
export class Unfit extends Error {}

const unfitTypes = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP'])

export function connect(config: KafkaSinkConfig): Connection {
  let producer: Promise<Producer> | undefined
  const drop = async (dropped: Promise<Producer> | undefined) => {
    if (producer === dropped) producer = undefined
    await dropped?.then((one) => one.disconnect()).catch(() => {})
  }
  return {
    async send(topic, messages) {
      producer ??= startProducer(config)
      const mine = producer
      try {
        const started = await mine
        const compression = config.compression === 'gzip' ? 1 : 0
        await started.send({ topic, messages, acks: -1, timeout: config.requestMs, compression })
      } catch (cause) {
        const detail = detailOf(cause)
        if (unfitTypes.has(typeOf(cause) ?? '')) throw new Unfit(detail, { cause })
        void drop(mine)
        throw new MillraceError('STORE_WRITE', { path: nameOf(config), detail: `${topic}: ${detail}` }, cause)
      }
    },
    close: () => drop(producer),
  }
}

async function startProducer(config: KafkaSinkConfig): Promise<Producer> {
  const kafka = await openKafka(config)
  const { Partitioners } = await import('kafkajs')
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { retries: 0 },
  })
  await producer.connect()
  return producer
}

/** The client is loaded when it is wanted: a processor without this sink need not carry it. */
export async function openKafka(config: KafkaSinkConfig): Promise<Kafka> {
  const { Kafka, logLevel } = await import('kafkajs')
  mendRequestQueue()
  const { brokers, clientId, tls, sasl, requestMs } = config
  const options: KafkaConfig = {
    ...{ brokers, clientId, requestTimeout: requestMs, connectionTimeout: connectMs(config) },
    // Of connecting: each of the brokers is tried once. What it would log is in the error, which the runner logs.
    retry: { retries: brokers.length - 1, initialRetryTime: 50 },
    logLevel: logLevel.NOTHING,
    ...(tls && { ssl: { ...readTls(tls, 'tls'), ...(tls.serverName && { servername: tls.serverName }) } }),
  }
  if (sasl) {
    const mechanism = sasl.mechanism.toLowerCase() as 'plain'
    options.sasl = { mechanism, username: sasl.username, password: readPassword(sasl, 'sasl') }
  }
  return new Kafka(options)
}

/** For people. */
export function nameOf({ brokers }: Pick<KafkaSinkConfig, 'brokers'>): string {
  return brokers.length === 1 ? brokers[0]! : `${brokers[0]} and ${brokers.length - 1} more`
}

export const detailOf = (cause: unknown) => (cause instanceof Error ? `${cause.name}: ${cause.message}` : `${cause}`)

/** The broker's name of an error, which kafkajs may have wrapped. */
function typeOf(error: unknown): string | undefined {
  const { type, cause } = (error ?? {}) as { type?: string; cause?: unknown }
  return type ?? (cause === undefined ? undefined : typeOf(cause))
}
