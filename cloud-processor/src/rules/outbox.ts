/**
 * The notifications that are due, in a SQLite file (WAL, synchronous=FULL), format 1 (`user_version`):
 *
 *     positions      partition → log id, next offset of the alarms topic, marks (JSON)
 *     alarms         ids of the alarms that are active as far as the topic was read
 *     notifications  (key, target) → record (JSON), state, attempts, next_ms, sent_ms, error
 *
 * What is read from the topic goes in together with the new position, in one transaction, so none is missed or taken twice.
 * The whole file can be made again from the topic; one that cannot be read is set aside.
 *
 *     pending ─► sent       the receiver has taken it
 *             ─► withheld   too old, and its alarm no longer active; or its beginning was never told
 *             ─► refused    the receiver does not want it
 *             ─► evicted    more than `queueMax` waited
 */
import { renameSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type AlarmTopicRecord, decodeJson, type NotificationRecord } from '@millrace/contract'
import { type Log as Lines, MillraceError } from '@millrace/contract/service'
import type { LogRecord } from '../log/log.ts'
import { type Marks, pass } from '../stage/marks.ts'

export type NotificationState = 'pending' | 'sent' | 'withheld' | 'refused' | 'evicted'

export interface Due {
  seq: number
  notification: NotificationRecord
  attempts: number
}

/** One notification to one receiver, for the page. */
export interface NotificationView {
  key: string
  target: string
  state: NotificationState
  attempts: number
  sentMs?: number
  error?: string
  notification: NotificationRecord
}

export interface OutboxOptions {
  path: string
  targets: string[]
  queueMax: number
  historyMax: number
}

const format = 1
const schema = `
  CREATE TABLE IF NOT EXISTS positions(partition INTEGER PRIMARY KEY, log TEXT NOT NULL, next INTEGER NOT NULL, marks TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS alarms(id TEXT PRIMARY KEY, partition INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS notifications(
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL, target TEXT NOT NULL, alarm TEXT NOT NULL, urgency INTEGER NOT NULL,
    json TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending', attempts INTEGER NOT NULL DEFAULT 0,
    next_ms INTEGER NOT NULL DEFAULT 0, sent_ms INTEGER, error TEXT, UNIQUE(key, target));
  CREATE INDEX IF NOT EXISTS waiting ON notifications(target, attempts, urgency, seq) WHERE state = 'pending';
  PRAGMA user_version = ${format};`
const urgencies = { high: 0, medium: 1, low: 2 }

export type Outbox = ReturnType<typeof openOutbox>

/** @throws MillraceError NOTIFY_OUTBOX_NEWER */
export function openOutbox({ path, targets, queueMax, historyMax }: OutboxOptions, lines: Lines, nowMs: number) {
  const db = openFile(path, lines, nowMs)
  const listed = JSON.stringify(targets)
  db.prepare(
    `UPDATE notifications SET state = 'withheld', error = 'no such receiver any more'
     WHERE state = 'pending' AND target NOT IN (SELECT value FROM json_each(?))`,
  ).run(listed)

  const positionOf = db.prepare('SELECT log, next, marks FROM positions WHERE partition = ?')
  const setPosition = db.prepare('INSERT OR REPLACE INTO positions(partition, log, next, marks) VALUES (?, ?, ?, ?)')
  const begin = db.prepare('INSERT OR IGNORE INTO alarms(id, partition) VALUES (?, ?)')
  const end = db.prepare('DELETE FROM alarms WHERE id = ?')
  const insert = db.prepare(
    'INSERT OR IGNORE INTO notifications(key, target, alarm, urgency, json) SELECT ?, value, ?, ?, ? FROM json_each(?)',
  )
  const evict = db.prepare(
    `UPDATE notifications SET state = 'evicted' WHERE seq IN (
       SELECT seq FROM notifications WHERE state = 'pending' ORDER BY seq DESC LIMIT -1 OFFSET ?)`,
  )
  // What is known of an alarm that is still active decides whether its end is told.
  const forget = db.prepare(
    `DELETE FROM notifications WHERE state != 'pending' AND alarm NOT IN (SELECT id FROM alarms) AND seq IN (
       SELECT seq FROM notifications WHERE state != 'pending' ORDER BY seq DESC LIMIT -1 OFFSET ?)`,
  )
  const due = db.prepare(
    `SELECT seq, json, attempts FROM notifications WHERE state = 'pending' AND target = ? AND next_ms <= ?
     ORDER BY attempts > 0, urgency, seq LIMIT 1`,
  )
  const dueMs = db.prepare(`SELECT min(next_ms) AS ms FROM notifications WHERE state = 'pending' AND target = ?`)
  const stateOf = db.prepare('SELECT state FROM notifications WHERE key = ? AND target = ?')
  const settle = db.prepare('UPDATE notifications SET state = ?, sent_ms = ?, error = ? WHERE seq = ?')
  const settleKey = db.prepare(
    `UPDATE notifications SET state = ?, sent_ms = ? WHERE key = ? AND target = ? AND state = 'pending'`,
  )
  const defer = db.prepare('UPDATE notifications SET next_ms = ?, attempts = ?, error = coalesce(?, error) WHERE seq = ?')
  const count = db.prepare(`SELECT count(*) AS n FROM notifications WHERE state = 'pending'`)
  const newest = db.prepare('SELECT * FROM notifications ORDER BY seq DESC LIMIT ?')

  function takeOne(record: AlarmTopicRecord, partition: number): void {
    if (record.k === 'notification') {
      const { key, alarm } = record
      insert.run(key, alarm.id, urgencies[alarm.priority], JSON.stringify(record), listed)
    } else if (record.k === 'settled') settleKey.run(record.state, record.atMs, record.key, record.target)
    else if (record.change === 'cleared') end.run(record.id)
    else if (record.change === 'raised' && !record.retrospective) begin.run(record.id, partition)
  }

  return {
    /** Undefined when this log was never read; what another log said of active alarms is then forgotten. */
    position(log: string, partition: number): number | undefined {
      const row = positionOf.get(partition)
      if (row?.log === log) return Number(row.next)
      if (row) db.prepare('DELETE FROM alarms WHERE partition = ?').run(partition)
      return undefined
    },

    /** Records in order, durable when it returns. Returns how many waiting ones had to be given up for them. */
    take(log: string, partition: number, records: LogRecord[]): number {
      const row = positionOf.get(partition)
      const marks: Marks = row?.log === log ? JSON.parse(`${row.marks}`) : {}
      return transaction(db, () => {
        for (const { value, source } of records) {
          if (pass(marks, source)) takeOne(decodeJson<AlarmTopicRecord>(value), partition)
        }
        setPosition.run(partition, log, records.at(-1)!.offset + 1, JSON.stringify(marks))
        forget.run(historyMax)
        return Number(evict.run(queueMax).changes)
      })
    },

    /** What to send next: first what was not tried yet, the urgent before the others. */
    next(target: string, nowMs: number): Due | undefined {
      const row = due.get(target, nowMs)
      return row && { seq: Number(row.seq), notification: JSON.parse(`${row.json}`), attempts: Number(row.attempts) }
    },

    /** When something will be due for the receiver; undefined when nothing waits. */
    nextMs(target: string): number | undefined {
      const ms = dueMs.get(target)!.ms
      return ms === null ? undefined : Number(ms)
    },

    isActive: (alarm: string): boolean => db.prepare('SELECT 1 FROM alarms WHERE id = ?').get(alarm) !== undefined,
    stateOf: (key: string, target: string) => stateOf.get(key, target)?.state as NotificationState | undefined,

    settle(seq: number, state: NotificationState, sentMs?: number, error?: string): void {
      settle.run(state, sentMs ?? null, error ?? null, seq)
    },

    defer(seq: number, nextMs: number, attempts: number, error?: string): void {
      defer.run(nextMs, attempts, error ?? null, seq)
    },

    pending: (): number => Number(count.get()!.n),

    list: (limit: number): NotificationView[] =>
      newest.all(limit).map((row) => ({
        key: `${row.key}`,
        target: `${row.target}`,
        state: row.state as NotificationState,
        attempts: Number(row.attempts),
        ...(row.sent_ms === null ? {} : { sentMs: Number(row.sent_ms) }),
        ...(row.error === null ? {} : { error: `${row.error}` }),
        notification: JSON.parse(`${row.json}`),
      })),

    close: () => db.close(),
  }
}

function openFile(path: string, lines: Lines, nowMs: number): DatabaseSync {
  try {
    return tryOpen(path)
  } catch (error) {
    if (error instanceof MillraceError || !/malformed|not a database/.test(`${error}`)) throw error
    const aside = `${path}.damaged-${nowMs}`
    renameSync(path, aside)
    lines.error('the notification outbox was damaged, set aside and made again from the log', { path, aside })
    return tryOpen(path)
  }
}

function tryOpen(path: string): DatabaseSync {
  const db = new DatabaseSync(path)
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    const found = Number(db.prepare('PRAGMA user_version').get()!.user_version)
    if (found > format) throw new MillraceError('NOTIFY_OUTBOX_NEWER', { path, found, known: format })
    const check = db.prepare('PRAGMA quick_check(1)').get()!.quick_check
    if (check !== 'ok') throw new Error(`malformed: ${check}`)
    db.exec(schema)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}
