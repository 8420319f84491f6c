/**
 * The store in InfluxDB 2 and in what speaks its write API: VictoriaMetrics, QuestDB.
 *
 *     write ──► partition ─ accounting ─► lines ─► sender ─► engine
 *                   └─ state, decisions ─► log's snapshots
 *     questions ──► worker ─► reader ─► dialect ─► engine
 *
 * Nothing that is answered comes from memory: each of several processors writes some timeline partitions, and any process asks.
 */
import {
  type Clock,
  checkConfig,
  type Log as Logger,
  type Metrics,
  MillraceError,
  smallWorker,
  startWorker,
  type WorkerCalls,
} from '@millrace/platform'

import type { LogRecord } from '../../log/log.ts'
import type { Kept, Refused } from '../../stage/index.ts'
import { asked, type Store } from '../store.ts'
import { type InfluxStoreConfig, type InfluxStoreOptions, influxStoreSchema } from './config.ts'
import { type Dialect, dialects } from './dialects/index.ts'
import { createEngine, type Engine } from './engine.ts'
import { openPartition, type PartitionWriter } from './partition.ts'
import { createSender, type Sender } from './send.ts'
import type { Question } from './worker.ts'

export interface StoreContext {
  log: Logger
  metrics: Metrics
  clock: Clock
}

interface OpenStore {
  config: InfluxStoreConfig
  context: StoreContext
  engine: Engine
  dialect: Dialect
  sender: Sender
  partitions: Map<number, PartitionWriter>
  reader: WorkerCalls<Question> | undefined
  isPrepared: boolean
  closed: MillraceError | undefined
}

/** @throws MillraceError CONFIG_INVALID, STORE_INSECURE */
export async function openInfluxStore(options: InfluxStoreOptions, context: StoreContext): Promise<Store> {
  const config = checkConfig(influxStoreSchema, options, 'store')
  const engine = createEngine(config)
  const dialect = dialects[config.dialect](engine)
  const sender = createSender(engine, dialect, context)
  const store: OpenStore = {
    ...{ config, context, engine, dialect, sender, partitions: new Map() },
    ...{ reader: undefined, isPrepared: false, closed: undefined },
  }
  return {
    isShared: true,
    open: (log, partition, kept) => open(store, log, partition, kept),
    write: (partition, records) => write(store, partition, records),
    close: () => close(store),
    ...asked((method, args) => ask(store, { method, args })),
  }
}

async function open(store: OpenStore, log: string, partition: number, kept?: Kept): Promise<number> {
  const { engine, dialect, sender, partitions, context, config } = store
  if (store.closed) throw store.closed
  if (!kept) throw new Error('a store without transactions needs a place to keep its state')
  partitions.delete(partition)
  try {
    if (!store.isPrepared) await dialect.prepare()
    store.isPrepared = true
    const { log: lines, metrics, clock } = context
    const opened = await openPartition({ engine, dialect, sender, log, partition, kept, lines, metrics, clock })
    partitions.set(partition, opened)
    return opened.next
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    const detail = cause instanceof Error ? cause.message : `${cause}`
    throw new MillraceError('STORE_OPEN', { path: config.url, detail }, cause)
  }
}

async function write({ closed, partitions }: OpenStore, partition: number, records: LogRecord[]): Promise<Refused[]> {
  if (closed) throw closed
  const writer = partitions.get(partition)
  if (!writer) throw new Error(`timeline partition ${partition} was not opened`)
  try {
    return await writer.write(records)
  } catch (cause) {
    // What is in memory may be ahead of the engine: only `open` makes it good again.
    partitions.delete(partition)
    throw cause
  }
}

/** The worker is started by the first question: most processors are never asked. */
async function ask<Answer>(store: OpenStore, question: Question): Promise<Answer> {
  if (store.closed) throw store.closed
  if (store.config.flushBeforeReading) for (const partition of store.partitions.values()) await partition.flush()
  store.reader ??= startReader(store)
  return store.reader.ask<Answer>(question)
}

function startReader(store: OpenStore): WorkerCalls<Question> {
  const { config } = store
  return startWorker<Question>(new URL('./worker.ts', import.meta.url), {
    workerData: config,
    resourceLimits: smallWorker,
    failure: (detail, cause) => store.closed ?? new MillraceError('STORE_READ', { path: config.url, detail }, cause),
    // The next question starts another one.
    onFailed: () => {
      store.reader = undefined
    },
  })
}

async function close(store: OpenStore): Promise<void> {
  if (store.closed) return
  store.closed = new MillraceError('STORE_CLOSED', { path: store.config.url })
  for (const partition of store.partitions.values())
    await partition.close().catch((error) => store.context.log.warn('the last totals could not be written', { error }))
  await store.reader?.close()
  store.engine.close()
}
