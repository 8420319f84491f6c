/** Drops whole blocks from the front of the slots, a slice at a time, so that appends wait a few milliseconds at most. */
import type { DatabaseSync } from 'node:sqlite'
import { slotSpan } from './file.ts'
import type { Trim } from './protocol.ts'

/** Blocks dropped in one transaction, over all slots. */
const sliceBlocks = 64
const sliceBytes = 8 * 1024 * 1024

interface Front {
  id: number
  count: number
  timeMs: number
  total: number
}

/** Call inside a transaction, again while `more`. */
export function createTrimmer(db: DatabaseSync) {
  const state = db.prepare('SELECT start, trimmed FROM slots WHERE slot = ?')
  const needed = db.prepare('SELECT min(next) AS next FROM readers WHERE slot = ?')
  const newest = db.prepare('SELECT total FROM blocks WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1')
  const front = db.prepare(
    `SELECT id, count, timeMs, total FROM blocks WHERE id >= ? AND id < ? ORDER BY id LIMIT ${sliceBlocks}`,
  )
  const drop = db.prepare('DELETE FROM blocks WHERE id >= ? AND id <= ?')
  const move = db.prepare('UPDATE slots SET start = ?, trimmed = ? WHERE slot = ?')

  function trimSlot({ slot, bytesMax, beforeMs }: Trim[number]) {
    const low = slot * slotSpan
    const { trimmed } = state.get(slot) as { trimmed: number }
    const total = (newest.get(low, low + slotSpan) as { total: number } | undefined)?.total ?? trimmed
    const keepFrom = (needed.get(slot) as { next: number | null }).next ?? Number.POSITIVE_INFINITY
    let last: Front | undefined
    let more = true
    const rows = front.all(low, low + slotSpan) as unknown as Front[]
    for (const row of rows) {
      const old = row.timeMs < beforeMs || total - (last?.total ?? trimmed) > bytesMax
      more = old && row.id - low + row.count <= keepFrom
      if (!more) break
      if (last && row.total - trimmed > sliceBytes) break
      last = row
    }
    if (!last) return undefined
    const start = last.id - low + last.count
    drop.run(low, last.id)
    move.run(start, last.total, slot)
    return { slot, start, trimmed: last.total, more: more && rows.length > 0 }
  }

  return (trim: Trim) => {
    const slots: { slot: number; start: number; trimmed: number }[] = []
    for (const one of trim) {
      const done = trimSlot(one)
      if (!done) continue
      slots.push({ slot: done.slot, start: done.start, trimmed: done.trimmed })
      if (done.more) return { slots, more: true }
    }
    return { slots, more: false }
  }
}
