/**
 * Documents in OpenSearch or Elasticsearch, for people to search.
 *
 *     record ─ document.ts ─► documents ─ period.ts ─► an index each ─ bulk.ts ─► stored | present | refused
 *
 * Plain indices named by time, not data streams: an id is unique within one index, and a data stream's index is the one that is
 * written to now, so a record that comes again after a rollover would be there twice. Here the record's own time says which index.
 */
import { type TimelineRecord, topics } from '@millrace/contract'
import { type Clock, type Log as Lines, type Metrics, MillraceError } from '@millrace/platform'
import type { LogRecord } from '../../log/log.ts'
import type { Refused } from '../../stage/index.ts'
import { timeAfter } from '../../stage/tick-time.ts'
import { type Place, refusalOf, type Sink } from '../sink.ts'
import { type Item, writeBulk } from './bulk.ts'
import type { OpenSearchConfig } from './config.ts'
import { type Connection, connect, nameOf } from './connection.ts'
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

/** An open sink. */
interface Writer {
  config: OpenSearchConfig
  context: OpenSearchContext
  connection: Connection
  /** Of the cluster, in errors and in the log. */
  name: string
  count: ReturnType<typeof countersOf>
  /** That are there. */
  indices: Set<string>
  hasTemplates: boolean
  /** By the timeline's ticks. */
  nowMs: number
  sweptMs: number
  sweeping: Promise<void>
  isClosed: boolean
}

/** Asks nothing of the cluster yet: one that is down must not keep the processor from starting. */
export async function openOpenSearch(config: OpenSearchConfig, context: OpenSearchContext): Promise<Sink> {
  const writer: Writer = {
    ...{ config, context, connection: await connect(config, context.clock), name: nameOf(config) },
    ...{ count: countersOf(context.metrics), indices: new Set(), hasTemplates: false },
    ...{ nowMs: 0, sweptMs: 0, sweeping: Promise.resolve(), isClosed: false },
  }
  return {
    topics: [topics.timeline, topics.alarms, topics.rejected],
    isIdempotent: true,
    write: (log, topic, partition, records) => write(writer, { log, topic, partition }, records),
    async close() {
      writer.isClosed = true
      await writer.sweeping
      await writer.connection.close()
    },
  }
}

async function write(writer: Writer, place: Place, records: LogRecord[]): Promise<Refused[]> {
  if (writer.isClosed) throw new MillraceError('STORE_CLOSED', { path: writer.name })
  const refused: Refused[] = []
  const recordOf = new Map<Item, LogRecord>()
  for (const record of records) {
    if (place.topic === topics.timeline) writer.nowMs = afterTick(writer.nowMs, record)
    const documents = read(place, record, writer.config)
    if (typeof documents === 'string') refused.push(...reject(writer, place, record, documents))
    else for (const item of itemsOf(writer, documents, record.timeMs)) recordOf.set(item, record)
  }
  if (recordOf.size > 0) refused.push(...(await writeItems(writer, place, recordOf)))
  sweepIfDue(writer)
  return refused.sort((a, b) => a.offset - b.offset)
}

/** Documents with their index, without those that retention would delete at once. */
function itemsOf({ config, nowMs, count }: Writer, documents: Document[], loggedMs: number): Item[] {
  const { indexPrefix: prefix, period, retentionDays } = config
  const items = documents.map((document) => ({ document, index: indexName({ prefix, period, ...document, loggedMs }) }))
  return items.filter(({ index, document: { kind } }) => {
    const isGone = isExpired(parseIndex(prefix, index)!.endMs, retentionDays[kind], nowMs)
    if (isGone) count.expired.add({ kind })
    return !isGone
  })
}

/** Those that the cluster will never take. */
async function writeItems(writer: Writer, place: Place, recordOf: Map<Item, LogRecord>): Promise<Refused[]> {
  const { connection, config, name, count, context } = writer
  const items = [...recordOf.keys()]
  await prepareIndices(writer, items)
  const retried = (documents: number) => count.retried.add({}, documents)
  const outcomes = await writeBulk(items, { connection, limits: config, clock: context.clock, name, retried })
  const why = new Map<LogRecord, string>()
  for (const [k, outcome] of outcomes.entries()) {
    const { index, document } = items[k]!
    const record = recordOf.get(items[k]!)!
    count[outcome.is].add({ kind: document.kind })
    if (outcome.is === 'refused' && !why.has(record)) why.set(record, `${index}: ${outcome.detail}`)
  }
  return [...why].flatMap(([record, detail]) => reject(writer, place, record, detail))
}

async function prepareIndices(writer: Writer, items: Item[]): Promise<void> {
  const { connection, config, indices, context } = writer
  if (!writer.hasTemplates) await ensureTemplates(connection, config)
  writer.hasTemplates = true
  for (const { index } of items) {
    if (indices.has(index)) continue
    const reason = await ensureIndex(connection, index)
    indices.add(index)
    // The cluster may make it with its first document; if not, each document for it is told why, and no other.
    if (reason !== undefined) context.log.warn('cannot make an index', { index, reason })
  }
}

function sweepIfDue(writer: Writer): void {
  const { connection, config, context, indices, name, nowMs } = writer
  if (nowMs === 0 || nowMs < writer.sweptMs + sweepEveryMs) return
  writer.sweptMs = nowMs
  writer.sweeping = deleteExpired(connection, config, nowMs).then(
    (deleted) => {
      for (const index of deleted) indices.delete(index)
      if (deleted.length > 0) context.log.info('expired indices are deleted', { indices: deleted })
    },
    (error) => context.log.warn('cannot delete expired indices', { nodes: name, error }),
  )
}

/** The rejected topic takes no rejection of what is in it: that would never end. */
function reject({ context, count }: Writer, { topic }: Place, record: LogRecord, detail: string): Refused[] {
  const { clock, log } = context
  if (topic !== topics.rejected) return [refusalOf(record, { detail, reason: 'STORE_DOCUMENT_REFUSED', atMs: clock.now() })]
  count.dropped.add()
  log.error('the document store does not take a rejected record; it is in the log only', { offset: record.offset, detail })
  return []
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
