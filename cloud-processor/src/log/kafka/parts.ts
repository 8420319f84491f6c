/** The parts of one opened log, and how they are connected. */
import { type Clock, type Log as Logger, type Metrics, MillraceError } from '@millrace/platform'
import type { At, Batch, KafkaClient, Produced } from './client.ts'
import type { KafkaLogConfig } from './config.ts'
import type { Counters } from './counters.ts'
import { createFollower, type Follower } from './follower.ts'
import { createHeartbeats, type KafkaHeartbeats } from './heartbeats.ts'
import { type Leaders, watchLeaders } from './leaders.ts'
import { createListeners, type Listeners } from './listeners.ts'
import { createPages, type Pages } from './pages.ts'
import { createEdges, createReader, type Edges, type PartitionReader } from './reader.ts'
import { createRegistry, type Registry } from './registry.ts'
import type { Persistence } from './retry.ts'
import { createSizes, type Sizes } from './sizes.ts'
import { createSnapshots, type Snapshots } from './snapshots.ts'
import { type Names, partitionsOf } from './topics.ts'
import { createTrimmer, type PartitionTrimmer } from './trim.ts'
import { createWriter, type Writer } from './writer.ts'

/** What is known before the first part is made. */
export interface Opened {
  config: KafkaLogConfig
  /** For people. */
  path: string
  id: string
  names: Names
  client: KafkaClient
  clock: Clock
  logger: Logger
  metrics: Metrics
  counters: Counters
}

export interface LogParts extends Opened {
  /** Why nothing is taken any more. */
  ended: MillraceError | undefined
  edges: Edges
  pages: Pages
  listeners: Listeners
  leaders: Leaders
  follower: Follower
  reader: PartitionReader
  writer: Writer
  trimmer: PartitionTrimmer
  sizes: Sizes
  registry: Registry
  snapshots: Snapshots
  heartbeats: KafkaHeartbeats
}

export function assemble(opened: Opened): LogParts {
  const { config, id, names, client, clock, logger, counters } = opened
  const edges = createEdges()
  const pages = createPages(config.tailBytesMax)
  const listeners = createListeners(logger)
  const refresh = () => log.leaders.refresh()
  const persistence: Persistence = {
    clock,
    deadlineMs: config.deliveryMs,
    isClosed: () => log.ended !== undefined,
    refresh: (failure) => {
      counters.countFailure(failure)
      return refresh()
    },
  }
  const follower = createFollower({
    ...{ client, clock, pages, refresh },
    onFailure: counters.countFailure,
    ring: (at, end) => ring(log, at, end),
    onEnd: (at, end) => edges.seen(at, { end }),
  })
  const writer = createWriter({ ...writerOptions(opened), refresh, onDurable: (...durable) => onDurable(log, ...durable) })
  const trimmer = createTrimmer({ client, persistence })
  const shared = { client, persistence, logId: id, append: writer.append }
  const log: LogParts = {
    ...{ ...opened, ended: undefined, edges, pages, listeners, follower, writer, trimmer },
    leaders: watchLeaders({
      ...{ client, clock, names, logId: id, onFailure: counters.countFailure, onRefresh: () => follower.rearrange() },
      onReplaced: () => end(log, new MillraceError('LOG_REPLACED', { path: opened.path })),
    }),
    reader: createReader({ client, pages, pagesBytesMax: config.tailBytesMax, follower, persistence, edges }),
    sizes: createSizes(partitionsOf(Object.values(names.data), config.partitions), trimmer),
    registry: createRegistry({ ...shared, topic: names.readers }),
    snapshots: createSnapshots({ ...shared, topic: names.snapshots, now: () => clock.now() }),
    heartbeats: createHeartbeats({ client, clock, topic: names.members, append: writer.append, refresh }),
  }
  return log
}

function writerOptions({ config, path, client, clock, logger, counters }: Opened) {
  const { batchBytesMax, queueBytesMax, deliveryMs } = config
  return {
    ...{ client, clock, batchBytesMax, queueBytesMax, deliveryMs },
    toError: (failure: Error) => new MillraceError('LOG_WRITE', { path, detail: failure.message }, failure),
    onFailure(failure: Parameters<Counters['countFailure']>[0], isFinal: boolean) {
      counters.countFailure(failure)
      if (isFinal) logger.error('Kafka did not take a batch; its calls are refused', { error: failure })
    },
  }
}

/** Readers of this process get what it appended without a fetch, if it is what comes next for them. */
function onDurable(log: LogParts, batch: Batch, produced: Produced): void {
  const { counters, clock, names, sizes, edges, follower } = log
  counters.batches.add()
  counters.produceSeconds.add({}, Math.max(0, clock.now() - batch.timeMs) / 1000)
  counters.wireBytes.add({}, produced.wireBytes)
  const topic = names.topicOf.get(batch.topic)
  if (!topic) return
  counters.appended.add({ topic }, batch.records.length)
  sizes.grew(batch, produced.wireBytes)
  const end = produced.first + batch.records.length
  edges.seen(batch, { end })
  const next = follower.next(batch)
  const isReadable = next === undefined || (next === produced.first && follower.offer(batch, produced.chunk(produced.first)))
  if (isReadable) ring(log, batch, end)
}

function ring({ listeners, names }: LogParts, { topic, partition }: At, end: number): void {
  listeners.ring(names.topicOf.get(topic)!, partition, end)
}

/** Refuses all that waits or comes. */
export function end(log: LogParts, error: MillraceError): void {
  if (log.ended) return
  log.ended = error
  if (error.code === 'LOG_REPLACED') log.logger.error('the log stopped', { error })
  log.leaders.stop()
  log.sizes.stop()
  log.follower.stop()
  log.heartbeats.stop()
  log.writer.end(error)
  // Readers that wait learn of it by their next read.
  log.listeners.ringAll()
}
