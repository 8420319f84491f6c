/**
 * The outbox's file: one SQLite database, write-ahead log, `synchronous=FULL` (NORMAL lost data in 9 of 10 power cuts).
 *
 * - `entry(id, meta, payload)`: what waits to be receipted; `meta` is JSON, see `entry.ts`.
 * - `small(key, value, crc)`: text records, see `records.ts`; `crc` is the CRC-32 of key, newline and value, null where a
 *   version that knew no check sums wrote the record.
 * - `aside(id, meta, payload)`: entries nobody would receipt, kept for a person to look at; the newest `asideRowsMax`.
 * - `PRAGMA user_version` is the format's version, 1. A newer file is refused.
 *
 * `locking_mode=EXCLUSIVE` refuses a second agent, and ends with the process however it ends. Recovery is SQLite's: a torn
 * tail of the write-ahead log is dropped. A file that SQLite calls damaged, or with a small record that disagrees with its check
 * sum, is renamed and a new one begun, with what `salvage.ts` finds whole.
 */
import { existsSync, readFileSync, renameSync, rmSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { transaction as inTransaction, isBusy, isCorrupt, isFull } from '@millrace/platform/sqlite'
import { Refusal } from '@millrace/platform/worker-side'
import { isWhole, type SmallRow, salvage } from './salvage.ts'
import { checkOfSmall } from './small-check.ts'
import { type Committed, type Loaded, listRowsMax, type OutboxTransaction, type Row } from './storage.ts'

const formatVersion = 1
const asideRowsMax = 200
/** Free pages above which a commit gives some back to the disk, and how many it gives back. */
const freePagesMax = 1024
const pagesGivenBack = 128

/**
 * @param isDamaged sets the file aside without looking.
 * @param pagesMax makes SQLite refuse to grow further, as a full disk would; for tests.
 */
export function openFile(path: string, isDamaged = false, pagesMax?: number): { file: OutboxFile; loaded: Loaded } {
  try {
    if (isDamaged) throw new Refusal('AGENT_OUTBOX_CORRUPT', {})
    return openOnce(path, pagesMax)
  } catch (error) {
    const refusal = toRefusal(path, error)
    if (refusal.code !== 'AGENT_OUTBOX_CORRUPT') throw refusal
    const setAside = moveAside(path)
    try {
      const { file, loaded } = openOnce(path, undefined, setAside)
      return { file, loaded: { ...loaded, setAside } }
    } catch (again) {
      // A full disk: the next attempt finds the damaged file where it was.
      for (const suffix of suffixes) rmSync(path + suffix, { force: true })
      move(setAside, path)
      throw toRefusal(path, again)
    }
  }
}

function openOnce(path: string, pagesMax?: number, salvaged?: string): { file: OutboxFile; loaded: Loaded } {
  const db = new DatabaseSync(path)
  try {
    prepareFile(db, path)
    if (salvaged !== undefined) salvage(salvaged, db)
    if (pagesMax !== undefined) db.exec(`PRAGMA max_page_count=${pagesMax}`)
    return { loaded: load(db), file: new OutboxFile(db, path) }
  } catch (error) {
    db.close()
    throw error
  }
}

function prepareFile(db: DatabaseSync, path: string): void {
  db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA busy_timeout=0')
  db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=4194304')
  // A write takes the lock that is then kept until the file is closed.
  db.exec('BEGIN IMMEDIATE')
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  if (version > formatVersion) throw new Refusal('AGENT_OUTBOX_NEWER', { path, format: `${version}` })
  db.exec(`
    CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, meta TEXT NOT NULL, payload BLOB NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS small (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS aside (id INTEGER PRIMARY KEY AUTOINCREMENT, meta TEXT NOT NULL, payload BLOB NOT NULL) STRICT;
    PRAGMA user_version=${formatVersion};
    COMMIT`)
  const hasCheck = db.prepare("SELECT 1 FROM pragma_table_info('small') WHERE name = 'crc'").get() !== undefined
  // A version before it writes on: its inserts leave the column null.
  if (!hasCheck) db.exec('ALTER TABLE small ADD COLUMN crc INTEGER')
}

const listed = `SELECT id, meta FROM entry WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ${listRowsMax}`

function load(db: DatabaseSync): Loaded {
  const entries = db.prepare(listed).all(0, Number.MAX_SAFE_INTEGER) as unknown as Row[]
  const rows = db.prepare('SELECT key, value, crc FROM small').all() as unknown as SmallRow[]
  const altered = rows.find((row) => !isWhole(row))
  if (altered)
    throw new Refusal('AGENT_OUTBOX_CORRUPT', {
      path: db.location() ?? '',
      detail: `${altered.key} was altered`,
      aside: 'a file beside it',
    })
  return { entries, small: new Map(rows.map(({ key, value }) => [key, value])) }
}

export class OutboxFile {
  private readonly db: DatabaseSync
  private readonly path: string
  private readonly statements: ReturnType<typeof prepareStatements>
  private readonly pageBytes: number
  private freeBytes = Number.POSITIVE_INFINITY

  constructor(db: DatabaseSync, path: string) {
    this.db = db
    this.path = path
    this.statements = prepareStatements(db)
    this.pageBytes = (db.prepare('PRAGMA page_size').get() as { page_size: number }).page_size
  }

  commit(transaction: OutboxTransaction): Committed {
    try {
      inTransaction(this.db, () => this.write(transaction))
    } catch (error) {
      throw toRefusal(this.path, error)
    }
    try {
      this.freeBytes = this.room()
    } catch {
      // Only tidying and asking: the transaction before it is durable.
    }
    return { freeBytes: this.freeBytes, writtenBytes: threadWrittenBytes() }
  }

  list(firstId: number, lastId: number): Row[] {
    try {
      return this.statements.list.all(firstId, lastId) as unknown as Row[]
    } catch (error) {
      throw toRefusal(this.path, error)
    }
  }

  read(ids: number[]): Map<number, Uint8Array> {
    const found = new Map<number, Uint8Array>()
    try {
      for (const id of ids) {
        const row = this.statements.get.get(id) as { payload: Uint8Array } | undefined
        if (row) found.set(id, row.payload)
      }
    } catch (error) {
      throw toRefusal(this.path, error)
    }
    return found
  }

  close(): void {
    this.db.close()
  }

  private write(transaction: OutboxTransaction): void {
    const { put, remove, removeBetween, aside, trim, set, unset } = this.statements
    for (const id of transaction.setAside) {
      aside.run(id)
      remove.run(id)
    }
    if (transaction.setAside.length > 0) trim.run()
    for (const id of transaction.remove) remove.run(id)
    for (const { firstId, lastId, except } of transaction.removeBetween)
      removeBetween.run(firstId, lastId, JSON.stringify(except))
    for (const { id, meta, payload } of transaction.put) put.run(id, meta, payload)
    for (const [key, value] of transaction.set)
      value === undefined ? unset.run(key) : set.run(key, value, checkOfSmall(key, value))
  }

  /** Free pages inside the file are room as well. Past a bound some go back to the disk, a little with each commit. */
  private room(): number {
    const { freelist_count: pages } = this.statements.freePages.get() as { freelist_count: number }
    const { bavail, bsize } = statfsSync(dirname(this.path))
    if (pages > freePagesMax) this.db.exec(`PRAGMA incremental_vacuum(${pagesGivenBack})`)
    return bavail * bsize + pages * this.pageBytes
  }
}

/** What this thread has handed to the file system (`wchar` of proc_pid_io(5)); it owns the outbox's file and nothing else. */
function threadWrittenBytes(): number | undefined {
  try {
    return Number(/^wchar: (\d+)$/m.exec(readFileSync('/proc/thread-self/io', 'latin1'))?.[1])
  } catch {
    return undefined
  }
}

function prepareStatements(db: DatabaseSync) {
  return {
    put: db.prepare('INSERT INTO entry (id, meta, payload) VALUES (?, ?, ?)'),
    remove: db.prepare('DELETE FROM entry WHERE id = ?'),
    removeBetween: db.prepare('DELETE FROM entry WHERE id BETWEEN ? AND ? AND id NOT IN (SELECT value FROM json_each(?))'),
    list: db.prepare(listed),
    aside: db.prepare('INSERT INTO aside (meta, payload) SELECT meta, payload FROM entry WHERE id = ?'),
    trim: db.prepare(`DELETE FROM aside WHERE id <= (SELECT max(id) FROM aside) - ${asideRowsMax}`),
    set: db.prepare('INSERT OR REPLACE INTO small (key, value, crc) VALUES (?, ?, ?)'),
    unset: db.prepare('DELETE FROM small WHERE key = ?'),
    get: db.prepare('SELECT payload FROM entry WHERE id = ?'),
    freePages: db.prepare('PRAGMA freelist_count'),
  }
}

function toRefusal(path: string, error: unknown): Refusal {
  if (error instanceof Refusal) return error
  const detail = (error as Error).message
  if (isBusy(error)) return new Refusal('AGENT_OUTBOX_LOCKED', { path })
  if (isCorrupt(error)) return new Refusal('AGENT_OUTBOX_CORRUPT', { path, detail, aside: 'a file beside it' })
  if (isFull(error)) return new Refusal('AGENT_OUTBOX_FULL', { path, detail })
  return new Refusal('AGENT_OUTBOX_IO', { path, detail })
}

/** The write-ahead log goes with its database: applied to a new one it would damage that as well. */
function moveAside(path: string): string {
  const aside = `${path}.corrupt-${new Date().toISOString().replaceAll(':', '')}`
  move(path, aside)
  return aside
}

const suffixes = ['', '-wal', '-shm']

function move(from: string, to: string): void {
  for (const suffix of suffixes) if (existsSync(from + suffix)) renameSync(from + suffix, to + suffix)
}
