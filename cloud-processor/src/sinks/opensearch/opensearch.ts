/**
 * Documents in OpenSearch or Elasticsearch, for people to search.
 *
 *     record ─ document.ts ─► documents ─ period.ts ─► an index each ─ bulk.ts ─► stored | present | refused
 *
 * Plain indices named by time, not data streams: an id is unique within one index, and a data stream's index is the one that is
 * written to now, so a record that comes again after a rollover would be there twice. Here the record's own time says which index.
 */
import { type TimelineRecord, type Topic, topics } from '@millrace/contract'
import { type Clock, type Log as Lines, type Metrics, MillraceError } from '@millrace/platform'
import type { LogRecord } from '../../log/log.ts'
import type { Refused } from '../../stage/index.ts'
import { timeAfter } from '../../stage/tick-time.ts'
import { type Place, refusalOf, type Sink } from '../sink.ts'
import { type Item, writeBulk } from './bulk.ts'
import type { OpenSearchConfig } from './config.ts'
import { connect, nameOf } from './connection.ts'
import { type Document, documentsOf } from './document.ts'
import { indexName, isExpired, parseIndex } from './period.ts'
import { deleteExpired } from './retention.ts'
import { ensureIndex, ensureTemplates } from './setup.ts'

export interface OpenSearchContext {
  log: Lines
  metrics: Metrics
  clock: Clock
}

const sweepEveryMs = 3_600_000
/** With every field that it can have. */
const tickBytesMax = 150

/** Asks nothing of the cluster yet: one that is down must not keep the processor from starting. */
export async function openOpenSearch(config: OpenSearchConfig, { log, metrics, clock }: OpenSearchContext): Promise<Sink> {
  const connection = await connect(config, clock)
  const name = nameOf(config)
  const count = countersOf(metrics)
  const indices = new Set<string>()
  let hasTemplates = false
  let nowMs = 0
  let sweptMs = 0
  let sweeping = Promise.resolve()
  let isClosed = false

  /** Documents with their index, without those that retention would delete at once. */
  function place(documents: Document[], loggedMs: number): Item[] {
    const items = documents.map((document) => ({
      document,
      index: indexName(config.indexPrefix, document.kind, config.period, document.atMs, loggedMs),
    }))
    return items.filter(({ index, document: { kind } }) => {
      const { endMs } = parseIndex(config.indexPrefix, index)!
      const isGone = isExpired(endMs, config.retentionDays[kind], nowMs)
      if (isGone) count.expired.add({ kind })
      return !isGone
    })
  }

  async function prepareIndices(items: Item[]): Promise<void> {
    if (!hasTemplates) await ensureTemplates(connection, config)
    hasTemplates = true
    for (const { index } of items) {
      if (indices.has(index)) continue
      const reason = await ensureIndex(connection, index)
      indices.add(index)
      // The cluster may make it with its first document; if not, each document for it is told why, and no other.
      if (reason !== undefined) log.warn('cannot make an index', { index, reason })
    }
  }

  function sweepIfDue(): void {
    if (nowMs === 0 || nowMs < sweptMs + sweepEveryMs) return
    sweptMs = nowMs
    sweeping = deleteExpired(connection, config, nowMs).then(
      (deleted) => {
        for (const index of deleted) indices.delete(index)
        if (deleted.length > 0) log.info('expired indices are deleted', { indices: deleted })
      },
      (error) => log.warn('cannot delete expired indices', { nodes: name, error }),
    )
  }

  /** The rejected topic takes no rejection of what is in it: that would go round for ever. */
  function reject(topic: Topic, record: LogRecord, detail: string): Refused[] {
    if (topic !== topics.rejected) return [refusalOf(record, { detail, reason: 'STORE_DOCUMENT_REFUSED', atMs: clock.now() })]
    count.dropped.add()
    log.error('the document store does not take a rejected record; it is in the log only', { offset: record.offset, detail })
    return []
  }

  return {
    topics: [topics.timeline, topics.alarms, topics.rejected],
    isIdempotent: true,
    async write(logId, topic, partition, records) {
      if (isClosed) throw new MillraceError('STORE_CLOSED', { path: name })
      const refused: Refused[] = []
      const items: Item[] = []
      const recordOf = new Map<Item, LogRecord>()
      for (const record of records) {
        if (topic === topics.timeline) nowMs = afterTick(nowMs, record)
        const documents = read({ log: logId, topic, partition }, record, config)
        if (typeof documents === 'string') refused.push(...reject(topic, record, documents))
        else {
          for (const item of place(documents, record.timeMs)) {
            items.push(item)
            recordOf.set(item, record)
          }
        }
      }
      if (items.length > 0) {
        await prepareIndices(items)
        const retried = (documents: number) => count.retried.add({}, documents)
        const outcomes = await writeBulk(items, { connection, limits: config, clock, name, retried })
        outcomes.forEach((outcome, k) => {
          const { kind } = items[k]!.document
          const record = recordOf.get(items[k]!)!
          count[outcome.is].add({ kind })
          if (outcome.is !== 'refused' || refused.some(({ offset }) => offset === record.offset)) return
          refused.push(...reject(topic, record, `${items[k]!.index}: ${outcome.detail}`))
        })
      }
      sweepIfDue()
      return refused.sort((a, b) => a.offset - b.offset)
    },
    async close() {
      isClosed = true
      await sweeping
      await connection.close()
    },
  }
}

/** Its documents, or why it has none that can be read. */
function read(place: Place, record: LogRecord, limits: OpenSearchConfig): Document[] | string {
  try {
    return documentsOf(place, record, limits)
  } catch (error) {
    return `the record cannot be read: ${(error as Error).message}`
  }
}

/** A look at the length spares parsing the readings twice. */
function afterTick(nowMs: number, { value }: LogRecord): number {
  if (value.length > tickBytesMax) return nowMs
  try {
    const record: TimelineRecord = JSON.parse(Buffer.from(value).toString())
    return record.k === 'tick' ? timeAfter(nowMs, record) : nowMs
  } catch {
    return nowMs
  }
}

function countersOf({ counter }: Metrics) {
  return {
    stored: counter('millrace_documents_stored_total', 'Documents written to the document store'),
    present: counter('millrace_documents_present_total', 'Documents that were in the document store already'),
    refused: counter('millrace_documents_refused_total', 'Documents that the document store will never take'),
    expired: counter('millrace_documents_expired_total', 'Documents that were older than their kind is kept for'),
    retried: counter('millrace_documents_retried_total', 'Documents that were sent again because the document store was busy'),
    dropped: counter(
      'millrace_documents_dropped_total',
      'Rejected records that the document store refused: they are in the log only',
    ),
  }
}
