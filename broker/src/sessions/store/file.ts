/**
 * The file of sessions: an SQLite database in WAL mode with `synchronous=FULL`, application_id "MRbs", user_version 1.
 *
 *     session       no, client, user                  a persistent session and the user it belongs to
 *     subscription  session, filter, qos
 *     owed          id, session, topic, payload, qos
 *                                                     one message for one session, until its client acknowledged it; the ids of what
 *                                                     is there rise in the order of arrival
 *     retained      topic, payload, qos               retained messages
 *     will          client, user, topic, payload, qos, retain
 *                                                     wills of the clients that are connected
 *
 * The last two came later; a version that does not know them leaves them alone.
 *
 * Recovery is SQLite's: a torn tail of the WAL is dropped, and with it only what was never acknowledged to a publisher.
 * The connection holds the file's lock for as long as the process lives.
 */
import type { DatabaseSync } from 'node:sqlite'
import { type FileFormat, openOwned, transaction } from '@millrace/platform/sqlite'
import type { Change, Group, Loaded, LoadedSession, OwedRow, PageAsked, RetainedRow, WillRow } from './protocol.ts'

const schema = `
  CREATE TABLE session (no INTEGER PRIMARY KEY, client TEXT NOT NULL UNIQUE, user TEXT NOT NULL);
  CREATE TABLE subscription (session INTEGER, filter TEXT, qos INTEGER NOT NULL, PRIMARY KEY (session, filter)) WITHOUT ROWID;
  CREATE TABLE owed (id INTEGER PRIMARY KEY, session INTEGER NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL,
    qos INTEGER NOT NULL);
  CREATE INDEX owed_session ON owed (session);
`
const laterTables = `
  CREATE TABLE IF NOT EXISTS retained (topic TEXT PRIMARY KEY, payload BLOB NOT NULL, qos INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS will (client TEXT PRIMARY KEY, user TEXT NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL,
    qos INTEGER NOT NULL, retain INTEGER NOT NULL) WITHOUT ROWID;
`

const fileFormat: FileFormat = {
  kind: 'a file of sessions',
  applicationId: 0x4d526273,
  version: 1,
  schema,
  pragmas: `PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
    PRAGMA wal_autocheckpoint=2000; PRAGMA cache_size=-4096; BEGIN IMMEDIATE; COMMIT`,
  hasLockFile: false,
  codes: {
    locked: 'BROKER_STORE_LOCKED',
    corrupt: 'BROKER_STORE_CORRUPT',
    newer: 'BROKER_STORE_NEWER',
    open: 'BROKER_STORE_OPEN',
  },
}

/** Opens or makes the file, as its only owner. @throws Refusal */
export function openFile(path: string): SessionFile {
  return openOwned(path, fileFormat, (db) => new SessionFile(db)).loaded
}

class SessionFile {
  readonly loaded: Loaded
  readonly #db: DatabaseSync
  readonly #statements: ReturnType<typeof prepare>

  constructor(db: DatabaseSync) {
    this.#db = db
    db.exec(laterTables)
    this.#statements = prepare(db)
    this.loaded = load(db)
  }

  /** All or nothing. @throws what SQLite throws; the file is as it was before. */
  apply(group: Group): void {
    transaction(this.#db, () => this.#write(group))
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
      else if (isKept(change)) this.#keep(change)
      else if (change.k === 'session') addSession.run(change.session, change.client, change.user)
      else if (change.k === 'subscribe') addFilter.run(change.session, change.filter, change.qos)
      else if (change.k === 'unsubscribe') dropFilter.run(change.session, change.filter)
      else for (const statement of forget) statement.run(change.session)
    }
  }

  #keep(change: Kept): void {
    const { retain, unretain, putWill, dropWill } = this.#statements
    if (change.k === 'retain') retain.run(change.topic, change.payload, change.qos)
    else if (change.k === 'unretain') unretain.run(change.topic)
    else if (change.k === 'no-will') dropWill.run(change.client)
    else putWill.run(change.client, change.user, change.topic, change.payload, change.qos, change.retain ? 1 : 0)
  }
}

type Kept = Extract<Change, { k: 'retain' | 'unretain' | 'will' | 'no-will' }>
const isKept = (change: Change): change is Kept => ['retain', 'unretain', 'will', 'no-will'].includes(change.k)

function prepare(db: DatabaseSync) {
  return {
    retain: db.prepare('INSERT OR REPLACE INTO retained VALUES (?, ?, ?)'),
    unretain: db.prepare('DELETE FROM retained WHERE topic = ?'),
    putWill: db.prepare('INSERT OR REPLACE INTO will VALUES (?, ?, ?, ?, ?, ?)'),
    dropWill: db.prepare('DELETE FROM will WHERE client = ?'),
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
  const wills = all<WillRow>('SELECT * FROM will').map((will) => ({ ...will, retain: Boolean(will.retain) }))
  return { sessions: loadSessions(db), retained: all<RetainedRow>('SELECT * FROM retained').map((row) => ({ ...row })), wills }
}

function loadSessions(db: DatabaseSync): LoadedSession[] {
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
