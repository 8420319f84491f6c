/**
 * The file of sessions: an SQLite database in WAL mode with `synchronous=FULL`, application_id "MRbs", user_version 1.
 *
 *     session       no, client, user                  a persistent session and the user it belongs to
 *     subscription  session, filter, qos
 *     owed          id, session, topic, payload, qos
 *                                                     one message for one session, until its client acknowledged it; the ids of what
 *                                                     is there rise in the order of arrival
 *
 * Recovery is SQLite's: a torn tail of the WAL is dropped, and with it only what was never acknowledged to a publisher.
 * The connection holds the file's lock for as long as the process lives.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { ErrorCode } from '@millrace/platform'
import { describe, isDamage, pragma } from '@millrace/platform/sqlite'
import type { Failure, Group, Loaded, OwedRow, PageAsked } from './protocol.ts'

const applicationId = 0x4d526273
const format = 1

const schema = `
  CREATE TABLE session (no INTEGER PRIMARY KEY, client TEXT NOT NULL UNIQUE, user TEXT NOT NULL);
  CREATE TABLE subscription (session INTEGER, filter TEXT, qos INTEGER NOT NULL, PRIMARY KEY (session, filter)) WITHOUT ROWID;
  CREATE TABLE owed (id INTEGER PRIMARY KEY, session INTEGER NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL,
    qos INTEGER NOT NULL);
  CREATE INDEX owed_session ON owed (session);
`

export class Refusal extends Error {
  readonly failure: Failure
  constructor(code: ErrorCode, values: Failure['values']) {
    super(code)
    this.failure = { code, values }
  }
}

/** Opens or makes the file, as its only owner. @throws Refusal */
export function openFile(path: string): SessionFile {
  let db: DatabaseSync | undefined
  try {
    mkdirSync(dirname(path), { recursive: true })
    const isNew = !existsSync(path)
    db = new DatabaseSync(path)
    db.exec('PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL')
    db.exec('PRAGMA wal_autocheckpoint=2000; PRAGMA cache_size=-4096; BEGIN IMMEDIATE; COMMIT')
    if (isNew || isEmpty(db)) make(db)
    check(db, path)
    return new SessionFile(db)
  } catch (cause) {
    db?.close()
    throw cause instanceof Refusal ? cause : new Refusal(codeOf(cause), { path, detail: describe(cause) })
  }
}

function codeOf(cause: unknown): ErrorCode {
  const { errcode } = cause as { errcode?: number }
  if (errcode !== undefined && (errcode & 0xff) === 5) return 'BROKER_STORE_LOCKED'
  return errcode !== undefined && isDamage(cause) ? 'BROKER_STORE_CORRUPT' : 'BROKER_STORE_OPEN'
}

/** Also one whose making was cut off. */
function isEmpty(db: DatabaseSync): boolean {
  return pragma(db, 'user_version') === 0 && db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined
}

function make(db: DatabaseSync): void {
  db.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA application_id=${applicationId}; PRAGMA user_version=${format}; COMMIT`)
}

function check(db: DatabaseSync, path: string): void {
  if (pragma(db, 'application_id') !== applicationId)
    throw new Refusal('BROKER_STORE_CORRUPT', { path, detail: 'not a file of sessions' })
  const version = pragma(db, 'user_version')
  if (version > format) throw new Refusal('BROKER_STORE_NEWER', { path, version, known: format })
}

export class SessionFile {
  readonly loaded: Loaded
  readonly #db: DatabaseSync
  readonly #statements: ReturnType<typeof prepare>

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#statements = prepare(db)
    this.loaded = load(db)
  }

  /** All or nothing. @throws what SQLite throws; the file is as it was before. */
  apply(group: Group): void {
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      this.#write(group)
      this.#db.exec('COMMIT')
    } catch (cause) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw cause
    }
  }

  page({ session, after, rows, bytes }: PageAsked): OwedRow[] {
    const found: OwedRow[] = []
    let sum = 0
    for (const row of this.#statements.page.iterate(session, after, rows)) {
      const owed = row as unknown as OwedRow
      found.push({ ...owed })
      sum += owed.payload.length
      if (sum >= bytes) break
    }
    return found
  }

  close(): void {
    this.#db.close()
  }

  #write({ changes, buffer }: Group): void {
    const { owe, free, addSession, addFilter, dropFilter, forget } = this.#statements
    for (const change of changes) {
      if (change.k === 'owe') {
        const { id, session, topic, qos, from, to } = change
        owe.run(id, session, topic, buffer.subarray(from, to), qos)
      } else if (change.k === 'free') free.run(change.id)
      else if (change.k === 'session') addSession.run(change.session, change.client, change.user)
      else if (change.k === 'subscribe') addFilter.run(change.session, change.filter, change.qos)
      else if (change.k === 'unsubscribe') dropFilter.run(change.session, change.filter)
      else for (const statement of forget) statement.run(change.session)
    }
  }
}

function prepare(db: DatabaseSync) {
  return {
    addSession: db.prepare('INSERT INTO session VALUES (?, ?, ?)'),
    addFilter: db.prepare('INSERT OR REPLACE INTO subscription VALUES (?, ?, ?)'),
    dropFilter: db.prepare('DELETE FROM subscription WHERE session = ? AND filter = ?'),
    forget: [
      db.prepare('DELETE FROM owed WHERE session = ?'),
      db.prepare('DELETE FROM subscription WHERE session = ?'),
      db.prepare('DELETE FROM session WHERE no = ?'),
    ],
    owe: db.prepare('INSERT INTO owed VALUES (?, ?, ?, ?, ?)'),
    free: db.prepare('DELETE FROM owed WHERE id = ?'),
    page: db.prepare('SELECT id, topic, payload, qos FROM owed WHERE session = ? AND id > ? ORDER BY id LIMIT ?'),
  }
}

function load(db: DatabaseSync): Loaded {
  const all = <Row>(sql: string) => db.prepare(sql).all() as unknown as Row[]
  const filters = all<{ session: number; filter: string; qos: 0 | 1 | 2 }>('SELECT * FROM subscription')
  const owed = all<{ session: number; messages: number; lastId: number; bytes: number }>(
    'SELECT session, count(*) AS messages, max(id) AS lastId, sum(length(topic) + length(payload)) AS bytes FROM owed GROUP BY session',
  )
  return all<{ no: number; client: string; user: string }>('SELECT * FROM session ORDER BY no').map(({ no, client, user }) => {
    const { messages = 0, lastId = 0, bytes = 0 } = owed.find(({ session }) => session === no) ?? {}
    const own = filters.filter(({ session }) => session === no).map(({ filter, qos }): [string, 0 | 1 | 2] => [filter, qos])
    return { session: no, client, user, filters: own, messages, lastId, bytes }
  })
}
