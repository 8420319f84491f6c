/**
 * A restored log goes on far above every offset that the one before may have given: positions name one record permanently, also
 * in stores that have seen what the restore took away. An empty block marks where each slot goes on.
 */
import { DatabaseSync } from 'node:sqlite'
import { encodeBlock, headBytes } from './block.ts'
import { epochSpan, slotSpan } from './file.ts'

/** The log is not open. */
export function startNewEpoch(path: string): void {
  const db = new DatabaseSync(path)
  const block = Buffer.alloc(headBytes([]))
  const size = encodeBlock(block, 0, { first: 0, count: 0, timeMs: 0 }, { sourceLogs: [], records: [] })
  try {
    db.exec('BEGIN IMMEDIATE')
    const last = db.prepare('SELECT id, count, total FROM blocks WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1')
    const insert = db.prepare('INSERT INTO blocks (id, count, timeMs, total, size, block) VALUES (?, 0, 0, ?, ?, ?)')
    for (const row of db.prepare('SELECT slot, start, trimmed FROM slots').all()) {
      const { slot, start, trimmed } = row as { slot: number; start: number; trimmed: number }
      const found = last.get(slot * slotSpan, (slot + 1) * slotSpan) as { id: number; count: number; total: number } | undefined
      const end = found ? found.id + (found.count || epochSpan) : slot * slotSpan + start
      insert.run(end, (found?.total ?? trimmed) + size, size, block.subarray(0, size))
    }
    db.exec('COMMIT')
  } finally {
    db.close()
  }
}
