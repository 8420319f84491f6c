/**
 * Readings into Parquet files, one a UTC day and partition, for SQL over years.
 *
 *     timeline ─► worker: held ─► files of the days ─► manifest with the position ─► files merged
 *
 * The log keeps what is not published yet, so nothing is written twice on the way, and a crash costs a few minutes of reading again.
 */
import { type Topic, topics } from '@millrace/contract'
import { type Metrics, MillraceError, smallWorker, startWorker } from '@millrace/platform'
import type { PluginContext } from '../../kinds/index.ts'
import { refusalOf, type Sink } from '../sink.ts'
import { type PartitionState, pack, type ToArchive, type WorkerConfig, type Written } from './protocol.ts'

export function openArchiveSink(config: WorkerConfig, { metrics, clock }: Pick<PluginContext, 'metrics' | 'clock'>): Sink {
  const path = config.folder
  const worker = startWorker<ToArchive>(new URL('./worker.ts', import.meta.url), {
    workerData: config,
    resourceLimits: smallWorker,
    failure: (detail, cause) => new MillraceError('STORE_WRITE', { path, detail }, cause),
  })
  const durable = new Map<number, number>()
  const states = new Map<number, PartitionState>()
  const stop = measure(metrics, path, states)
  let isClosed = false

  async function ask(question: ToArchive, transfer?: ArrayBuffer[]): Promise<Written> {
    if (isClosed) throw new MillraceError('STORE_CLOSED', { path })
    const written = await worker.ask<Written>(question, transfer)
    durable.set(question.partition, written.next)
    states.set(question.partition, written.state)
    return written
  }

  return {
    topics: [topics.timeline],
    isIdempotent: true,
    position: {
      open: async (log, _topic: Topic, partition, start) => (await ask({ k: 'open', partition, log, start })).next,
      durable: (_topic, partition) => durable.get(partition) ?? 0,
    },
    async write(_log, _topic, partition, records) {
      const { packed, transfer } = pack(records)
      const { unreadable } = await ask({ k: 'write', partition, records: packed }, transfer)
      const recordAt = new Map(records.map((record) => [record.offset, record]))
      return unreadable.map(({ offset, detail }) =>
        refusalOf(recordAt.get(offset)!, {
          detail: `the record cannot be read: ${detail}`,
          reason: 'SINK_RECORD_REFUSED',
          atMs: clock.now(),
        }),
      )
    },
    async close() {
      if (isClosed) return
      isClosed = true
      stop()
      await worker.close()
    },
  }
}

type Archives = Map<string, Map<number, PartitionState>>
/** A gauge has one reader, and there may be several archives. */
const archivesOf = new WeakMap<Metrics, Archives>()

/** @returns ends it */
function measure(metrics: Metrics, folder: string, states: Map<number, PartitionState>): () => void {
  const archives: Archives = archivesOf.get(metrics) ?? new Map()
  archivesOf.set(metrics, archives)
  archives.set(folder, states)
  const gauge = (name: string, help: string, of: (state: PartitionState) => number) =>
    metrics.gauge(name, help, () =>
      [...archives].flatMap(([archive, partitions]) =>
        [...partitions].map(([partition, state]) => ({ labels: { archive, partition: `${partition}` }, value: of(state) })),
      ),
    )
  gauge('millrace_archive_waiting_rows', 'Rows taken that an archive has not published yet', ({ rows }) => rows)
  gauge('millrace_archive_files', 'Files that an archive holds', ({ files }) => files)
  gauge('millrace_archive_bytes', 'Bytes of the files that an archive holds', ({ bytes }) => bytes)
  gauge('millrace_archive_readings', 'Readings that an archive holds', ({ published }) => published[0])
  gauge('millrace_archive_samples', 'Waveform samples that an archive holds', ({ published }) => published[1])
  gauge(
    'millrace_archive_missing',
    'Devices and streams of which the ledger says that an archive has not all',
    ({ missing }) => missing,
  )
  gauge(
    'millrace_archive_complete_to_seconds',
    'Time up to which an archive is complete, by the ledger',
    ({ completeToMs }) => completeToMs / 1000,
  )
  return () => archives.delete(folder)
}
