/**
 * The log on Kafka: the same interface and the same stage runner as on the embedded log, shared by any number of processes.
 *
 *     append, commit ──► writer: one batch of a partition under way, idempotent, acks=all ──► Kafka
 *     read ◄── pages in memory ◄── follower: one long poll a node ◄── Kafka
 *                     ▲── what this process appended        ▲── or a fetch, for readers behind
 *
 * No consumer groups, no committed offsets, no transactions: a reader's position is its own, and an offset that is gone is
 * LOG_OFFSET_GONE. A commit's outputs may stand in the topic twice after a takeover; readers silence repeats by their marks.
 */
import type { Topic } from '@millrace/contract'
import { topics as topicIds } from '@millrace/contract'
import { type Clock, checkConfig, every, type Log as Lines, type Metrics, MillraceError, systemClock } from '@millrace/platform'
import type { Log } from '../log.ts'
import { partitionOf } from '../partition-of.ts'
import { type At, type Batch, KafkaFailure, keyOf, type Produced } from './client.ts'
import { type KafkaLogOptions, kafkaLogSchema } from './config.ts'
import { type MakeClient, makeClient } from './connect.ts'
import { createFollower } from './follower.ts'
import { createHeartbeats } from './heartbeats.ts'
import { createListeners } from './listeners.ts'
import { createPages } from './pages.ts'
import { createEdges, createReader } from './reader.ts'
import { createRegistry } from './registry.ts'
import type { Persistence } from './retry.ts'
import { createSizes } from './sizes.ts'
import { createSnapshots } from './snapshots.ts'
import { logIdOf, namesOf, openTopics } from './topics.ts'
import { createTrimmer } from './trim.ts'
import { createWriter } from './writer.ts'

export interface KafkaLogContext {
  log: Lines
  metrics: Metrics
  clock?: Clock
}

const refreshEveryMs = 100
const refreshMs = 5000
/** What this process appends is counted at once; this is for the rest. */
const measureEveryMs = 15_000
/** What is under way may become durable; after that it has the fate of what a killed process had under way. */
const closeMs = 2000

/** @throws MillraceError CONFIG_INVALID, LOG_NOT_ENCRYPTED, LOG_PARTITIONS, LOG_OPEN */
export async function openKafkaLog(
  options: KafkaLogOptions,
  context: KafkaLogContext,
  make: MakeClient = makeClient,
): Promise<Log> {
  const config = checkConfig(kafkaLogSchema, options, 'log')
  const clock = context.clock ?? systemClock
  const { metrics, log: lines } = context
  const path = `kafka://${config.brokers[0]}/${config.topicPrefix}*`
  const { partitions } = config
  const names = namesOf(config.topicPrefix)

  const connects = metrics.counter('millrace_kafka_connects_total', 'Connections opened to Kafka')
  const failures = metrics.counter('millrace_kafka_failures_total', 'Requests to Kafka that failed, by error')
  const requests = metrics.counter('millrace_kafka_batches_total', 'Batches made durable')
  const produceSeconds = metrics.counter(
    'millrace_kafka_produce_seconds_total',
    'Time from the forming of a batch to its being durable',
  )
  const wireBytes = metrics.counter('millrace_kafka_sent_bytes_total', 'Bytes of batches made durable, as sent')
  const appended = metrics.counter('millrace_log_records_total', 'Records made durable, by topic')

  const client = make(config, () => connects.add())
  const found = await openTopics(client, config, names, clock).catch(async (error) => {
    await client.close()
    throw error instanceof MillraceError ? error : new MillraceError('LOG_OPEN', { path, detail: `${error}` }, error)
  })
  const id = logIdOf(found, names)

  let closed: MillraceError | undefined
  let refreshing: Promise<void> | undefined
  let refreshedMs = Number.NEGATIVE_INFINITY

  const countFailure = (failure: KafkaFailure) => failures.add({ error: failure.name })
  const persistence: Persistence = {
    clock,
    deadlineMs: config.deliveryMs,
    isClosed: () => closed !== undefined,
    refresh: (failure) => {
      countFailure(failure)
      return refresh()
    },
  }
  const edges = createEdges()
  const pages = createPages(config.tailBytesMax)
  const listeners = createListeners(lines)
  const follower = createFollower({
    client,
    clock,
    pages,
    refresh,
    onFailure: countFailure,
    ring,
    onEnd: (at, end) => edges.seen(at, { end }),
  })
  const reader = createReader({ client, pages, pagesBytesMax: config.tailBytesMax, follower, persistence, edges })
  const writer = createWriter({
    ...{ client, clock, refresh, onDurable },
    batchBytesMax: config.batchBytesMax,
    queueBytesMax: config.queueBytesMax,
    deliveryMs: config.deliveryMs,
    toError: (failure) => new MillraceError('LOG_WRITE', { path, detail: failure.message }, failure),
    onFailure(failure, isFinal) {
      countFailure(failure)
      if (isFinal) lines.error('Kafka did not take a batch; its calls are refused', { error: failure })
    },
  })
  const append = writer.append
  const trimmer = createTrimmer({ client, persistence })
  const registry = createRegistry({ client, topic: names.readers, logId: id, persistence, append })
  const snapshots = createSnapshots({
    ...{ client, persistence, append },
    topic: names.snapshots,
    logId: id,
    now: () => clock.now(),
  })
  const heartbeats = createHeartbeats({ client, clock, topic: names.members, append, refresh })
  const data: At[] = Object.values(names.data).flatMap((topic) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  )
  const sizes = createSizes(data, trimmer)

  metrics.gauge('millrace_log_queue_bytes', 'Bytes that wait for the disk', writer.queuedBytes)
  metrics.gauge('millrace_log_bytes', 'Bytes of all records kept, about', sizes.bytes)
  metrics.gauge('millrace_log_tail_bytes', 'Bytes of newest records in memory', pages.bytes)

  const stopRefreshing = every(clock, refreshMs, () => void refresh())
  const stopMeasuring = every(clock, measureEveryMs, () => {
    sizes.update().catch((error) => lines.warn('cannot measure the log', { error }))
  })
  await sizes.update().catch((error) => lines.warn('cannot measure the log', { error }))

  /** Leaders and topic ids anew; failures are found by whoever needs the answer. */
  function refresh(): Promise<void> {
    if (closed || clock.monotonic() - refreshedMs < refreshEveryMs) return refreshing ?? Promise.resolve()
    refreshing ??= client
      .topics(names.all)
      .then((now) => {
        const isWhole = Object.values(names.data).every((name) => now.has(name))
        if (isWhole && logIdOf(now, names) !== id) end(new MillraceError('LOG_REPLACED', { path }))
        follower.rearrange()
      })
      .catch((error) => {
        if (error instanceof KafkaFailure) countFailure(error)
      })
      .finally(() => {
        refreshedMs = clock.monotonic()
        refreshing = undefined
      })
    return refreshing
  }

  function end(error: MillraceError): void {
    if (closed) return
    closed = error
    if (error.code === 'LOG_REPLACED') lines.error('the log stopped', { error })
    stopRefreshing()
    stopMeasuring()
    follower.stop()
    heartbeats.stop()
    writer.end(error)
    // Readers that wait learn of it by their next read.
    listeners.ringAll()
  }

  function onDurable(batch: Batch, produced: Produced): void {
    requests.add()
    produceSeconds.add({}, Math.max(0, clock.now() - batch.timeMs) / 1000)
    wireBytes.add({}, produced.wireBytes)
    const topic = names.topicOf.get(batch.topic)
    if (!topic) return
    appended.add({ topic }, batch.records.length)
    sizes.grew(batch, produced.wireBytes)
    const end = produced.first + batch.records.length
    edges.seen(batch, { end })
    const isFollowed = follower.next(batch) !== undefined
    if (!isFollowed || (follower.next(batch) === produced.first && follower.offer(batch, produced.chunk(produced.first))))
      ring(batch, end)
  }

  function ring({ topic, partition }: At, end: number): void {
    listeners.ring(names.topicOf.get(topic)!, partition, end)
  }

  function at(topic: Topic, partition: number): At {
    if (names.data[topic] === undefined || !(partition >= 0 && partition < partitions))
      throw new RangeError(`no partition ${partition} of ${topic}`)
    return { topic: names.data[topic], partition }
  }

  /** What Kafka says, in the log's words. */
  async function asking<T>(call: () => Promise<T>): Promise<T> {
    if (closed) throw closed
    try {
      return await call()
    } catch (error) {
      if (closed) throw closed
      if (error instanceof KafkaFailure) throw new MillraceError('LOG_READ', { path, detail: error.message }, error)
      throw error
    }
  }

  async function writeOutputs(outputs: Parameters<Log['commit']>[0]['outputs'], mayWait: boolean): Promise<void> {
    const byPartition = Map.groupBy(outputs, (output) => keyOf(at(output.topic, output.partition)))
    const written = await Promise.allSettled(
      [...byPartition.values()].map(([first, ...more]) => {
        const records = more.length === 0 ? first!.records : [first!, ...more].flatMap((output) => output.records)
        return records.length === 0 ? undefined : append(at(first!.topic, first!.partition), records, mayWait)
      }),
    )
    for (const result of written) if (result.status === 'rejected') throw result.reason
  }

  async function trim(): Promise<void> {
    await sizes.measure()
    const upTo: (At & { offset: number })[] = []
    for (const measured of sizes.all()) {
      const { bytesMax, hoursMax } = boundsOf(measured.topic)
      const since = await trimmer.firstSince(measured, clock.now() - hoursMax * 3_600_000, measured.end)
      const surplus = Math.max(since, measured.keep(Math.floor(bytesMax / partitions)))
      const needed = (await registry.needed(measured)) ?? Number.POSITIVE_INFINITY
      const offset = Math.min(surplus, needed, measured.end)
      if (offset > measured.start) upTo.push({ topic: measured.topic, partition: measured.partition, offset })
    }
    await trimmer.drop(upTo)
    for (const { offset, ...at } of upTo) edges.seen(at, { start: offset })
    await sizes.measure()
  }

  function boundsOf(topic: string) {
    const short = Object.keys(topicIds).find((name) => names.data[topicIds[name as keyof typeof topicIds]] === topic)
    return config.retention[short as keyof typeof config.retention]
  }

  return {
    id,
    partitions,
    heartbeats,
    partitionOf: (key) => partitionOf(key, partitions),
    async append(topic, partition, records) {
      const to = at(topic, partition)
      if (closed) throw closed
      if (records.length === 0) return (await reader.bounds(to)).end
      if (sizes.bytes() + writer.queuedBytes() > config.bytesMax)
        throw new MillraceError('LOG_FULL', { path, bytesMax: config.bytesMax })
      return append(to, records)
    },
    read: async (topic, partition, from, limit) => asking(() => reader.read(at(topic, partition), from, limit)),
    bounds: async (topic, partition) => asking(() => reader.bounds(at(topic, partition))),
    onAppend: listeners.add,
    async commit({ stage, partition, outputs, snapshot }) {
      if (closed) throw closed
      await writeOutputs(outputs, snapshot === undefined)
      if (snapshot) await snapshots.save(stage, partition, snapshot)
    },
    loadSnapshot: (stage, partition) =>
      asking(async () => {
        const found = partition < partitions ? await snapshots.load(stage, partition) : undefined
        if (!found) return undefined
        const { isOfAnotherLog, next, state } = found
        if (!isOfAnotherLog) return { next, state }
        const input = await registry.inputOf(stage)
        const start = input === undefined ? 0 : (await reader.bounds({ topic: input, partition })).start
        lines.warn('the log was made anew: a stage keeps its state and reads its input from the start', {
          stage,
          partition,
          start,
        })
        metrics.counter('millrace_log_replaced_total', 'Snapshots taken under another log, whose state was kept').add({ stage })
        return { next: start, state }
      }),
    registerReader: (name, topic, partition, next) => asking(() => registry.register(name, at(topic, partition), next)),
    unregisterReader: (name) => asking(() => registry.forget(name)),
    trim: () => asking(trim),
    async close() {
      if (closed) return void (await client.close())
      await Promise.race([writer.settled(), new Promise<void>((resolve) => clock.after(closeMs, resolve))])
      end(new MillraceError('LOG_CLOSED', { path }))
      await client.close()
    },
  }
}
