/**
 * Writes documents by `_bulk`: bounded requests, each document's own outcome.
 *
 *     answer to a document                  outcome
 *     2xx                                   stored
 *     409 version conflict                  present: it was there already, or something newer
 *     400, 413 about the document           refused: it will never be taken
 *     429, 5xx, and what is the store's     sent again, alone with its like, a few times; then the write fails and may be
 *     own fault (read-only, no rights)      repeated, which finds what was stored before as present
 *
 * A request that is too large as a whole (413, often a proxy's bound) is halved; a document too large alone is refused.
 */
import { type Clock, MillraceError } from '@millrace/platform'
import { type Answer, type Connection, reasonOf } from './connection.ts'
import type { Document } from './document.ts'

export interface Item {
  index: string
  document: Document
}

export type Outcome = { is: 'stored' } | { is: 'present' } | { is: 'refused'; detail: string }
type Sent = Outcome | { is: 'again'; detail: string }

export interface BulkLimits {
  bulkBytesMax: number
  bulkDocumentsMax: number
  /** An index without its primary shard is waited for a third of it, so that its neighbours have their answer in time. */
  timeoutMs: number
}

const pausesMs = [100, 400, 1600]

/** With status 400, but not the document's fault. */
const storesFault = new Set([
  'cluster_block_exception',
  'illegal_index_shard_state_exception',
  'index_closed_exception',
  'index_not_found_exception',
  'invalid_index_name_exception',
  'no_shard_available_action_exception',
  'security_exception',
  // Of a cluster that has as many shards as it may.
  'validation_exception',
])

export interface BulkContext {
  connection: Connection
  limits: BulkLimits
  clock: Clock
  /** Of the store, in an error. */
  name: string
  retried: (count: number) => void
}

/** In the order of the items. @throws MillraceError STORE_WRITE when some are not stored and may be later. */
export async function writeBulk(items: Item[], context: BulkContext): Promise<Outcome[]> {
  const outcomes: Sent[] = await sendAll(items, context)
  for (const pauseMs of pausesMs) {
    const again = outcomes.flatMap(({ is }, k) => (is === 'again' ? [k] : []))
    if (again.length === 0) break
    context.retried(again.length)
    await new Promise<void>((resolve) => context.clock.after(pauseMs, resolve))
    const answers = await sendAll(
      again.map((k) => items[k]!),
      context,
    )
    again.forEach((k, n) => {
      outcomes[k] = answers[n]!
    })
  }
  const left = outcomes.filter((outcome) => outcome.is === 'again')
  if (left.length > 0) {
    const detail = `${left.length} of ${items.length} documents were not taken: ${left[0]!.detail}`
    throw new MillraceError('STORE_WRITE', { path: context.name, detail })
  }
  return outcomes as Outcome[]
}

interface Line {
  /** Place among the items. */
  k: number
  text: string
  bytes: number
}

async function sendAll(items: Item[], context: BulkContext): Promise<Sent[]> {
  const outcomes = new Array<Sent>(items.length)
  const { bulkBytesMax, bulkDocumentsMax } = context.limits
  let request: Line[] = []
  let bytes = 0
  const send = async () => {
    if (request.length > 0) await sendOne(request, outcomes, context)
    request = []
    bytes = 0
  }
  for (const [k, item] of items.entries()) {
    const text = linesOf(item)
    const line = { k, text, bytes: Buffer.byteLength(text) }
    if (line.bytes > bulkBytesMax) {
      outcomes[k] = { is: 'refused', detail: `${line.bytes} bytes are more than bulkBytesMax` }
      continue
    }
    if (bytes + line.bytes > bulkBytesMax || request.length >= bulkDocumentsMax) await send()
    request.push(line)
    bytes += line.bytes
  }
  await send()
  return outcomes
}

async function sendOne(lines: Line[], outcomes: Sent[], context: BulkContext): Promise<void> {
  const answer = await context.connection.request(
    'POST',
    `/_bulk?timeout=${Math.ceil(context.limits.timeoutMs / 3)}ms`,
    lines.map(({ text }) => text).join(''),
  )
  if (answer.status === 413 && lines.length > 1) {
    const half = lines.length >> 1
    await sendOne(lines.slice(0, half), outcomes, context)
    return sendOne(lines.slice(half), outcomes, context)
  }
  for (const [n, { k }] of lines.entries()) outcomes[k] = outcomeOf(answer, n, context.name)
}

function outcomeOf(answer: Answer, n: number, name: string): Sent {
  const { status, body } = answer
  if (status === 413) return { is: 'refused', detail: reasonOf(answer) }
  if (status === 429 || status >= 500) return { is: 'again', detail: reasonOf(answer) }
  const item = status === 200 ? Object.values<{ status: number; error?: { type: string } }>(body.items?.[n] ?? {})[0] : undefined
  if (!item) throw new MillraceError('STORE_WRITE', { path: name, detail: reasonOf(answer) })
  if (item.status < 300) return { is: 'stored' }
  if (item.status === 409) return { is: 'present' }
  const detail = explain(item as ItemError)
  const isRefused = (item.status === 400 || item.status === 413) && !storesFault.has(item.error?.type ?? '')
  return { is: isRefused ? 'refused' : 'again', detail }
}

interface ItemError {
  status: number
  error?: { type: string; reason: string; caused_by?: { reason?: string } }
}

function explain({ status, error }: ItemError): string {
  const cause = error?.caused_by?.reason === undefined ? '' : ` (${error.caused_by.reason})`
  return `${status} ${error?.type}: ${error?.reason}${cause}`.slice(0, 500)
}

/** `create` never replaces; a document with a version replaces an older one and itself. */
function linesOf({ index, document: { id, version, body } }: Item): string {
  const place = { _index: index, _id: id }
  const action = version === undefined ? { create: place } : { index: { ...place, version, version_type: 'external_gte' } }
  return `${JSON.stringify(action)}\n${JSON.stringify(body, wellFormed)}\n`
}

/** Half a surrogate pair is a character to JSON and none to Lucene. */
function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value
}
