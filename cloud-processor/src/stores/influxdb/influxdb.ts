/**
 * The store in InfluxDB 2 and in what speaks its write API: VictoriaMetrics, QuestDB.
 *
 *     write ──► partition ─ accounting ─► lines ─► sender ─► engine
 *                   └─ state, decisions ─► log's snapshots
 *     questions ──► dialect ─► engine
 *
 * Nothing that is answered comes from memory: each of several processors writes some timeline partitions, and any process asks.
 */
import { type Clock, checkConfig, type Log as Logger, type Metrics, MillraceError } from '@millrace/platform'
import type { Store, StoreReader } from '../store.ts'
import { type InfluxStoreOptions, influxStoreSchema } from './config.ts'
import { dialects } from './dialects/index.ts'
import { createEngine } from './engine.ts'
import { openPartition, type PartitionWriter } from './partition.ts'
import { createReader } from './reader.ts'
import { createSender } from './send.ts'

export interface StoreContext {
  log: Logger
  metrics: Metrics
  clock: Clock
}

/** @throws MillraceError CONFIG_INVALID, STORE_INSECURE */
export async function openInfluxStore(options: InfluxStoreOptions, { log, metrics, clock }: StoreContext): Promise<Store> {
  const config = checkConfig(influxStoreSchema, options, 'store')
  const engine = createEngine(config)
  const dialect = dialects[config.dialect](engine)
  const sender = createSender(engine, dialect, { log, metrics })
  const reader = createReader(dialect, { pointsMax: config.pointsMax, clock })
  const partitions = new Map<number, PartitionWriter>()
  let closed: MillraceError | undefined
  let isPrepared = false

  function ask<K extends keyof StoreReader>(method: K): StoreReader[K] {
    const answer = async (...args: unknown[]) => {
      if (closed) throw closed
      try {
        if (config.flushBeforeReading) {
          for (const partition of partitions.values()) await partition.flush()
          await dialect.settle()
        }
        return await (reader[method] as (...given: unknown[]) => Promise<unknown>)(...args)
      } catch (cause) {
        if (cause instanceof MillraceError) throw cause
        throw new MillraceError('STORE_READ', { path: config.url, detail: detailOf(cause) }, cause)
      }
    }
    return answer as StoreReader[K]
  }

  return {
    isShared: true,
    async open(id, partition, kept) {
      if (closed) throw closed
      if (!kept) throw new Error('a store without transactions needs a place to keep its state')
      partitions.delete(partition)
      try {
        if (!isPrepared) await dialect.prepare()
        isPrepared = true
        const opened = await openPartition({ engine, dialect, sender, log: id, partition, kept, lines: log, metrics, clock })
        partitions.set(partition, opened)
        return opened.next
      } catch (cause) {
        if (cause instanceof MillraceError) throw cause
        throw new MillraceError('STORE_OPEN', { path: config.url, detail: detailOf(cause) }, cause)
      }
    },
    async write(partition, records) {
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
    },
    async close() {
      if (closed) return
      closed = new MillraceError('STORE_CLOSED', { path: config.url })
      for (const partition of partitions.values())
        await partition.close().catch((error) => log.warn('the last totals could not be written', { error }))
      engine.close()
    },
    refresh: ask('refresh'),
    devices: ask('devices'),
    points: ask('points'),
    segments: ask('segments'),
    rollUp: ask('rollUp'),
    gaps: ask('gaps'),
    ledger: ask('ledger'),
    totals: ask('totals'),
    events: ask('events'),
  }
}

const detailOf = (cause: unknown) => (cause instanceof Error ? cause.message : `${cause}`)
