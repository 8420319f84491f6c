/** The worker that reads what is no longer in the tail: a connection of its own, so that reads and commits do not wait for each other. */
import { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import { describe, isDamage } from '@millrace/platform/sqlite'
import { Moved, serveCalls } from '@millrace/platform/worker-side'
import type { FromReader, ToReader } from './protocol.ts'
import { ReadableBlocks } from './readable.ts'

const { path } = workerData as { path: string }
const db = new DatabaseSync(path, { readOnly: true })
db.exec('PRAGMA cache_size=-2048')
const readable = new ReadableBlocks(db)
const startOf = db.prepare('SELECT start FROM slots WHERE slot = ?')

serveCalls<ToReader>(
  () => ({ answer, close: () => db.close() }),
  (cause) => ({ code: isDamage(cause) ? 'LOG_CORRUPT' : 'LOG_READ', values: { path, detail: describe(cause) } }),
)

function answer(ask: ToReader): Moved {
  const { blocks, buffers } = read(ask)
  const buffer = Buffer.allocUnsafeSlow(blocks.reduce((sum, { bytes }) => sum + bytes, 0))
  let at = 0
  for (const bytes of buffers) {
    buffer.set(bytes, at)
    at += bytes.length
  }
  return new Moved({ blocks, buffer } satisfies FromReader, [buffer.buffer as ArrayBuffer])
}

function read(ask: ToReader) {
  db.exec('BEGIN')
  try {
    const { slot, from } = ask
    const found = collect(ask)
    // What was trimmed since it was asked for is not damaged.
    const isTrimmed = found.blocks[0]?.damage && (startOf.get(slot) as { start: number }).start > from
    return isTrimmed ? { blocks: [], buffers: [] } : found
  } finally {
    // A damaged page may have ended it, and keeps it from being committed.
    if (db.isTransaction) db.exec('ROLLBACK')
  }
}

function collect({ slot, from, end, records: recordsMax, bytes: bytesMax }: ToReader) {
  const blocks: FromReader['blocks'] = []
  const buffers: Uint8Array[] = []
  let records = 0
  let bytes = 0
  for (const found of readable.from(slot, from, end)) {
    const { first, count } = found.block
    blocks.push(found.block)
    buffers.push(found.bytes)
    records += first + count - Math.max(first, from)
    // What lies before `from` is not counted: the first block may be mostly that.
    if (first >= from) bytes += found.bytes.length
    if (records >= recordsMax || bytes >= bytesMax) break
  }
  return { blocks, buffers }
}
