/**
 * The embedded store: one SQLite file (layout in file.ts), owned by one process, with workers of its own.
 *
 *     write ──► writer worker: parse, one transaction: batches, counts, gaps, ledger, marks, position
 *                  ├─ quiet hours ─► merger worker ─► compressed chunks and minutes, in the next transaction
 *                  └─ expired days ─► removed in small slices, in between
 *     questions ──► reader worker
 */
import {
  type Clock,
  checkConfig,
  type ErrorCode,
  type Log as Logger,
  type Metrics,
  MillraceError,
  smallWorker,
  startWorker,
  type WorkerCalls,
} from '@millrace/platform'
import { asked, type Store } from '../store.ts'
import { type EmbeddedStoreOptions, embeddedStoreSchema } from './config.ts'
import { packRecords } from './pack.ts'
import type { Done, FromReader, ToReader, ToWriter } from './protocol.ts'

export interface StoreContext {
  log: Logger
  metrics: Metrics
  /** Not needed: time comes from the timeline's ticks. */
  clock?: Clock
}

export interface EmbeddedStore extends Store {
  /** Merges every hour now, quiet or not, and removes what has expired. For tests, and before a copy of the file is made. */
  merge(): Promise<void>
}

/** @throws MillraceError CONFIG_INVALID, STORE_LOCKED, STORE_CORRUPT, STORE_NEWER, STORE_OPEN */
export async function openEmbeddedStore(options: EmbeddedStoreOptions, { log, metrics }: StoreContext): Promise<EmbeddedStore> {
  const config = checkConfig(embeddedStoreSchema, options, 'store')
  const { path } = config
  const start = <Ask>(file: string, code: ErrorCode) =>
    startWorker<Ask>(new URL(file, import.meta.url), {
      workerData: config,
      resourceLimits: smallWorker,
      failure: (detail, cause) => new MillraceError(code, { path, detail }, cause),
    })
  const writer = start<ToWriter>('./writer.ts', 'STORE_WRITE')
  await writer.opened()
  const reader = start<ToReader>('./reader.ts', 'STORE_READ')
  const count = counted(log, metrics)
  const tellDamaged = damagedTold(path, log, metrics)
  /** What the reader finds damaged is named by the writer, which knows what was named before. */
  async function ask<T>(question: ToReader): Promise<T> {
    const { answer, damaged } = await reader.ask<FromReader>(question)
    if (damaged.length > 0) tellDamaged(await writer.ask<Done>({ k: 'damaged', rows: damaged }))
    return answer as T
  }
  let closed: MillraceError | undefined
  const whileOpen = <T>(ask: () => Promise<T>): Promise<T> => (closed ? Promise.reject(closed) : ask())
  return {
    isShared: false,
    open: (id, partition) => whileOpen(() => openPartition(writer, log, id, partition)),
    write: (partition, records) =>
      whileOpen(async () => {
        const { packed, transfer } = packRecords(partition, records)
        const done = await writer.ask<Done>({ k: 'write', records: packed }, transfer)
        count(partition, done)
        tellDamaged(done)
        return []
      }),
    async merge() {
      tellDamaged(await writer.ask<Done>({ k: 'merge' }))
    },
    async close() {
      if (closed) return
      closed = new MillraceError('STORE_CLOSED', { path })
      await reader.close()
      await writer.close()
    },
    ...asked((method, args) => whileOpen(() => ask({ method, args }))),
    refresh: async () => {}, // what is acknowledged is in the file
  }
}

async function openPartition(writer: WorkerCalls<ToWriter>, log: Logger, id: string, partition: number): Promise<number> {
  const { positions, otherLogs } = await writer.ask<Done>({ k: 'open', log: id })
  if (positions!.length === 0 && otherLogs!.length > 0)
    log.warn('the log is new: the store reads it from its start and keeps what it has', { log: id, others: otherLogs })
  return new Map(positions).get(partition) ?? 0
}

function damagedTold(path: string, log: Logger, metrics: Metrics): (done: Done) => void {
  const damaged = metrics.counter('millrace_store_damaged_total', 'Rows of the store that were found to be damaged')
  return (done) => {
    for (const { place, detail } of done.damaged ?? []) {
      damaged.add()
      log.error('the store is damaged', { error: new MillraceError('STORE_DAMAGED', { path, place, detail }) })
    }
  }
}

/** Counts what a write did. */
function counted(log: Logger, metrics: Metrics): (partition: number, done: Done) => void {
  const received = metrics.counter('millrace_store_received_total', 'Readings and samples the store took')
  const repeats = metrics.counter('millrace_store_repeats_total', 'Timeline records that were in the store already')
  const dropped = metrics.counter('millrace_store_dropped_total', 'Timeline records that could not be read')
  return (partition, done) => {
    received.add({ kind: 'readings' }, done.readings)
    received.add({ kind: 'samples' }, done.samples)
    repeats.add({}, done.repeats)
    for (const { offset, detail } of done.bad!) {
      dropped.add({ reason: 'STORE_RECORD' })
      log.error('a timeline record cannot be read and is left out', { partition, offset, detail })
    }
  }
}
