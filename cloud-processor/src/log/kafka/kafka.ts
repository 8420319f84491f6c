/**
 * The log on Kafka: the same interface and the same stage runner as on the embedded log, shared by any number of processes.
 *
 *     append, commit ──► writer: one batch of a partition in flight, idempotent, acks=all ──► Kafka
 *     read ◄── pages in memory ◄── follower: one long poll a node ◄── Kafka
 *                     ▲── what this process appended        ▲── or a fetch, for readers behind
 *
 * No consumer groups, no committed offsets, no transactions: a reader's position is its own, and an offset that is gone is
 * LOG_OFFSET_GONE. A commit's outputs may stand in the topic twice after a takeover; readers ignore repeats by their marks.
 */
import type { Topic } from '@millrace/contract'
import { type Clock, checkConfig, type Log as Logger, type Metrics, MillraceError, systemClock } from '@millrace/platform'
import type { Log, NewRecord, Snapshot, StageCommit } from '../log.ts'
import { partitionOf } from '../partition-of.ts'
import { type At, KafkaFailure, keyOf } from './client.ts'
import { type KafkaLogOptions, kafkaLogSchema } from './config.ts'
import { type MakeClient, makeClient } from './connect.ts'
import { createCounters } from './counters.ts'
import { assemble, end, type LogParts } from './parts.ts'
import { dropOld } from './retention.ts'
import { logIdOf, namesOf, openTopics } from './topics.ts'

export interface KafkaLogContext {
  log: Logger
  metrics: Metrics
  clock?: Clock
}

/** What is in flight may become durable; after that it has the fate of what a killed process had in flight. */
const closeMs = 2000

/** @throws MillraceError CONFIG_INVALID, LOG_NOT_ENCRYPTED, LOG_PARTITIONS, LOG_OPEN */
export async function openKafkaLog(
  options: KafkaLogOptions,
  context: KafkaLogContext,
  make: MakeClient = makeClient,
): Promise<Log> {
  const config = checkConfig(kafkaLogSchema, options, 'log')
  const { metrics, log: logger, clock = systemClock } = context
  const path = `kafka://${config.brokers[0]}/${config.topicPrefix}*`
  const names = namesOf(config.topicPrefix)
  const counters = createCounters(metrics)
  const client = make(config, () => counters.connects.add())
  const found = await openTopics(client, config, names, clock).catch(async (error) => {
    await client.close()
    throw error instanceof MillraceError
      ? error
      : new MillraceError('LOG_OPEN', { path, detail: (error as Error).message }, error)
  })
  const log = assemble({ config, path, id: logIdOf(found, names), names, client, clock, logger, metrics, counters })
  metrics.gauge('millrace_log_queue_bytes', 'Bytes that wait for the disk', log.writer.queuedBytes)
  metrics.gauge('millrace_log_bytes', 'Bytes of all records kept, about', log.sizes.bytes)
  metrics.gauge('millrace_log_tail_bytes', 'Bytes of newest records in memory', log.pages.bytes)
  await log.sizes.watch(clock, (error) => logger.warn('cannot measure the log', { error }))
  return toLog(log)
}

function toLog(log: LogParts): Log {
  const { id, config, heartbeats, listeners, registry, reader } = log
  return {
    id,
    partitions: config.partitions,
    heartbeats,
    partitionOf: (key) => partitionOf(key, config.partitions),
    append: async (topic, partition, records) => append(log, atOf(log, topic, partition), records),
    read: (topic, partition, from, limit) => ask(log, () => reader.read(atOf(log, topic, partition), from, limit)),
    bounds: (topic, partition) => ask(log, () => reader.bounds(atOf(log, topic, partition))),
    onAppend: listeners.add,
    commit: (step) => commit(log, step),
    loadSnapshot: (stage, partition) => ask(log, () => loadSnapshot(log, stage, partition)),
    registerReader: (name, topic, partition, next) => ask(log, () => registry.register(name, atOf(log, topic, partition), next)),
    unregisterReader: (name) => ask(log, () => registry.forget(name)),
    trim: () => ask(log, () => dropOld(log)),
    close: () => close(log),
  }
}

function atOf({ names, config }: LogParts, topic: Topic, partition: number): At {
  if (names.data[topic] === undefined || !(partition >= 0 && partition < config.partitions))
    throw new RangeError(`no partition ${partition} of ${topic}`)
  return { topic: names.data[topic], partition }
}

/** What Kafka says, in the log's words. */
async function ask<T>(log: LogParts, call: () => Promise<T>): Promise<T> {
  if (log.ended) throw log.ended
  try {
    return await call()
  } catch (error) {
    if (log.ended) throw log.ended
    if (error instanceof KafkaFailure) throw new MillraceError('LOG_READ', { path: log.path, detail: error.message }, error)
    throw error
  }
}

async function append({ ended, path, config, reader, writer, sizes }: LogParts, to: At, records: NewRecord[]): Promise<number> {
  if (ended) throw ended
  if (records.length === 0) return (await reader.bounds(to)).end
  if (sizes.bytes() + writer.queuedBytes() > config.bytesMax)
    throw new MillraceError('LOG_FULL', { path, bytesMax: config.bytesMax })
  return writer.append(to, records)
}

async function commit(log: LogParts, { stage, partition, outputs, snapshot }: StageCommit): Promise<void> {
  if (log.ended) throw log.ended
  await writeOutputs(log, outputs, snapshot === undefined)
  if (snapshot) await log.snapshots.save(stage, partition, snapshot)
}

async function writeOutputs(log: LogParts, outputs: StageCommit['outputs'], mayLinger: boolean): Promise<void> {
  const byPartition = Map.groupBy(outputs, (output) => keyOf(atOf(log, output.topic, output.partition)))
  const written = await Promise.allSettled(
    [...byPartition.values()].map(([first, ...more]) => {
      const records = more.length === 0 ? first!.records : [first!, ...more].flatMap((output) => output.records)
      return records.length === 0 ? undefined : log.writer.append(atOf(log, first!.topic, first!.partition), records, mayLinger)
    }),
  )
  for (const result of written) if (result.status === 'rejected') throw result.reason
}

async function loadSnapshot(log: LogParts, stage: string, partition: number): Promise<Snapshot | undefined> {
  const found = partition < log.config.partitions ? await log.snapshots.load(stage, partition) : undefined
  if (!found) return undefined
  const { isOfAnotherLog, next, state } = found
  if (!isOfAnotherLog) return { next, state }
  const input = await log.registry.inputOf(stage)
  const start = input === undefined ? 0 : (await log.reader.bounds({ topic: input, partition })).start
  const about = { stage, partition, start }
  log.logger.warn('these are new topics: a stage keeps its state and reads its input from the start', about)
  log.metrics.counter('millrace_log_replaced_total', 'Snapshots taken under another log, whose state was kept').add({ stage })
  return { next: start, state }
}

async function close(log: LogParts): Promise<void> {
  if (!log.ended) {
    await Promise.race([log.writer.idle(), new Promise<void>((resolve) => log.clock.after(closeMs, resolve))])
    end(log, new MillraceError('LOG_CLOSED', { path: log.path }))
  }
  await log.client.close()
}
