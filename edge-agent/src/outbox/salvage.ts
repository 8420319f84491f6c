/**
 * Takes over from a damaged file, into a new one, all that is still as it was written: entries whose meta and payload agree with
 * their check sums, small records that agree with theirs. A damaged page hides what it held, and what lies below it in its
 * tree, so the rows are read from both ends, and one by one in between.
 */
import { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { parseEntry } from './entry.ts'
import { checkOfSmall } from './small-check.ts'

interface EntryRow {
  id: number
  meta: string
  payload: Uint8Array
}

export interface SmallRow {
  key: string
  value: string
  /** Absent in files of earlier versions, null in what such a version has written since. */
  crc?: number | null
}

/** Ids looked up one by one without finding any; a damaged page hides fewer. */
const missesMax = 20_000

export function salvage(from: string, into: DatabaseSync): void {
  let damaged: DatabaseSync | undefined
  try {
    damaged = new DatabaseSync(from, { readOnly: true })
    into.exec('BEGIN IMMEDIATE')
    takeSmall(damaged, into)
    takeEntries(damaged, into)
    into.exec('COMMIT')
  } catch {
    // Not a database any longer: what was taken so far is good.
    if (into.isTransaction) into.exec('COMMIT')
  } finally {
    damaged?.close()
  }
}

function takeSmall(damaged: DatabaseSync, into: DatabaseSync): void {
  const put = into.prepare('INSERT OR IGNORE INTO small (key, value, crc) VALUES (?, ?, ?)')
  const up = damaged.prepare('SELECT * FROM small WHERE key > ? ORDER BY key LIMIT 1')
  const down = damaged.prepare('SELECT * FROM small WHERE key < ? ORDER BY key DESC LIMIT 1')
  const walk = (next: typeof up, from: string) => {
    for (let row = { key: from } as SmallRow | undefined; row; ) {
      const { key } = row
      row = attempt(() => next.get(key) as unknown as SmallRow | undefined)
      if (row && isWhole(row)) put.run(row.key, row.value, checkOfSmall(row.key, row.value))
      if (row?.key === key) return
    }
  }
  walk(up, '')
  walk(down, '\u{10ffff}')
}

export function isWhole({ key, value, crc }: SmallRow): boolean {
  if (crc !== undefined && crc !== null) return crc === checkOfSmall(key, value)
  try {
    JSON.parse(value)
    return true
  } catch {
    return false
  }
}

function takeEntries(damaged: DatabaseSync, into: DatabaseSync): void {
  const put = into.prepare('INSERT OR IGNORE INTO entry (id, meta, payload) VALUES (?, ?, ?)')
  const prepare = (where: string) => damaged.prepare(`SELECT id, meta, payload FROM entry WHERE ${where}`)
  const take = (row: EntryRow | undefined) => {
    if (row && isIntact(row)) put.run(row.id, row.meta, row.payload)
    return row?.id
  }
  const walk = (next: ReturnType<typeof prepare>, from: number): number => {
    for (let id = from; ; ) {
      const found = attempt(() => take(next.get(id) as EntryRow | undefined))
      if (found === undefined || Math.sign(found - id) !== (from === 0 ? 1 : -1)) return id
      id = found
    }
  }
  const low = walk(prepare('id > ? ORDER BY id LIMIT 1'), 0)
  const high = walk(prepare('id < ? ORDER BY id DESC LIMIT 1'), Number.MAX_SAFE_INTEGER)
  const one = prepare('id = ?')
  for (let id = low + 1, misses = 0; id < high && misses < missesMax; id++)
    misses = attempt(() => take(one.get(id) as EntryRow | undefined)) === undefined ? misses + 1 : 0
}

function isIntact({ id, meta, payload }: EntryRow): boolean {
  return attempt(() => parseEntry(id, meta).crc === crc32(payload)) ?? false
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
