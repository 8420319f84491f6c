/**
 * A file whose pages are damaged where SQLite has to go becomes a new file with all of it that can be read. Each slot goes on far
 * above what it may have had; readers are told of a damage behind its last block, because nobody knows whether there were more.
 * The damaged file stays beside it.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { isCorrupt, pragma, transaction } from '@millrace/platform/sqlite'
import { applicationId, epochSpan, slotSpan } from './file.ts'
import { readableAfter } from './readable.ts'
import { nothing } from './row.ts'

export interface Rescued {
  aside: string
  blocks: number
}

const markOf = (path: string) => `${path}.rescue`

/** The file is to be rescued when it is opened next. */
export const wantRescue = (path: string): void => writeFileSync(markOf(path), '')

export const isRescueWanted = (path: string): boolean => existsSync(markOf(path))

/** Another kind of file, or one whose first page is gone, stays as it is. */
export function mayBeRescued(path: string): boolean {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    return pragma(db, 'application_id') === applicationId && db.prepare('SELECT id FROM blocks LIMIT 0').all().length === 0
  } catch {
    return false
  } finally {
    db.close()
  }
}

/** @param make makes the empty file, and returns it open */
export function rescue(path: string, make: (path: string) => { db: DatabaseSync; close(): void }): Rescued {
  const from = new DatabaseSync(path, { readOnly: true })
  const newPath = `${path}.new`
  for (const end of ['', '-wal', '-shm', '.lock']) rmSync(newPath + end, { force: true })
  const to = make(newPath)
  const blocks = transaction(to.db, () => {
    for (const table of ['meta', 'slots', 'marks', 'snapshots', 'readers']) copyRows(from, to.db, table)
    return copyBlocks(from, to.db)
  })
  from.close()
  to.close()
  return { aside: swap(path, newPath), blocks }
}

/** In order, as far as they can be read. */
function copyRows(from: DatabaseSync, to: DatabaseSync, table: string): void {
  try {
    for (const row of from.prepare(`SELECT * FROM ${table}`).iterate()) {
      const values = Object.values(row)
      to.prepare(`INSERT OR REPLACE INTO ${table} VALUES (${values.map(() => '?')})`).run(...values)
    }
  } catch (cause) {
    if (!isCorrupt(cause)) throw cause
  }
}

function copyBlocks(from: DatabaseSync, to: DatabaseSync): number {
  const add = to.prepare('INSERT OR IGNORE INTO blocks (id, count, timeMs, total, size, block) VALUES (?, ?, ?, ?, ?, ?)')
  const slots = to.prepare('SELECT slot, start, trimmed FROM slots').all() as { slot: number; start: number; trimmed: number }[]
  let blocks = 0
  for (const { slot, start, trimmed } of slots) {
    let total = trimmed
    let end = slot * slotSpan + start
    for (const row of readableRows(from, end, (slot + 1) * slotSpan)) {
      total += (row.block as Uint8Array).length
      add.run(row.id!, row.count!, row.timeMs!, total, row.size!, row.block!)
      end = Number(row.id) + (Number(row.count) || epochSpan)
      blocks++
    }
    if (end < (slot + 1) * slotSpan - epochSpan) add.run(end + 1, 0, 0, total, 0, nothing)
  }
  return blocks
}

function* readableRows(db: DatabaseSync, from: number, end: number) {
  const row = db.prepare('SELECT id, count, timeMs, total, size, block FROM blocks WHERE id >= ? AND id < ? ORDER BY id LIMIT 1')
  const head = db.prepare('SELECT id FROM blocks WHERE id >= ? AND id < ? ORDER BY id LIMIT 1')
  for (let at = from; at < end; ) {
    const found = tryGet(row, at, end)
    if (found === undefined) return
    if (found !== 'damaged') yield found
    const known = found === 'damaged' ? tryGet(head, at, end) : found
    at = known === 'damaged' ? readableAfter(at, end, (id) => tryGet(head, id, end) !== 'damaged') : Number(known?.id ?? at) + 1
  }
}

function tryGet(statement: StatementSync, at: number, end: number) {
  try {
    const row = statement.get(at, end)
    return row === undefined || (Number(row.id) >= at && Number(row.id) < end) ? row : 'damaged'
  } catch (cause) {
    if (!isCorrupt(cause)) throw cause
    return 'damaged'
  }
}

/** Returns the name of the damaged file. */
function swap(path: string, newPath: string): string {
  const aside = `${path}.damaged-${new Date().toISOString().replaceAll(/[:.]/g, '')}`
  for (const end of ['', '-wal', '-shm']) if (existsSync(path + end)) renameSync(path + end, aside + end)
  renameSync(newPath, path)
  for (const end of ['-wal', '-shm', '.lock']) rmSync(newPath + end, { force: true })
  rmSync(markOf(path), { force: true })
  return aside
}
