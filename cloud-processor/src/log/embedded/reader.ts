/** The worker that reads what is no longer in the tail: a connection of its own, so that reads and commits do not wait for each other. */
import { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import { zstdDecompressSync } from 'node:zlib'
import { describe, isDamage } from '@millrace/platform/sqlite'
import { Moved, serveCalls } from '@millrace/platform/worker-side'
import { slotSpan } from './file.ts'
import type { FromReader, ToReader } from './protocol.ts'

const { path } = workerData as { path: string }
const db = new DatabaseSync(path, { readOnly: true })
db.exec('PRAGMA cache_size=-2048')
const startsAt = db.prepare('SELECT id FROM blocks WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT 1')
const rows = db.prepare('SELECT id, count, timeMs, size, block FROM blocks WHERE id >= ? AND id < ? ORDER BY id')

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

interface Row {
  id: number
  count: number
  timeMs: number
  size: number
  block: Uint8Array
}

function read(ask: ToReader): { blocks: FromReader['blocks']; buffers: Uint8Array[] } {
  const blocks: FromReader['blocks'] = []
  const buffers: Uint8Array[] = []
  const low = ask.slot * slotSpan
  const start = (startsAt.get(low, low + ask.from) as { id: number } | undefined)?.id ?? low + ask.from
  let records = 0
  let bytes = 0
  for (const row of rows.iterate(start, low + ask.end)) {
    const { id, count, timeMs, size, block: packed } = row as unknown as Row
    const block = packed.length === size ? packed : zstdDecompressSync(packed)
    const first = id - low
    blocks.push({ first, count, timeMs, bytes: block.length })
    buffers.push(block)
    records += first + count - Math.max(first, ask.from)
    // What lies before `from` is not counted: the first block may be mostly that.
    if (first >= ask.from) bytes += block.length
    if (records >= ask.records || bytes >= ask.bytes) break
  }
  return { blocks, buffers }
}
