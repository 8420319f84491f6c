/**
 * The notifications that are due, and what became of those that were (`outbox-file.ts`). What is read from the topic goes in
 * together with the new position, in one transaction, so none is missed or taken twice.
 *
 *     pending ─► sent       the receiver has taken it
 *             ─► withheld   too old, and its alarm no longer active; or its beginning was never told
 *             ─► refused    the receiver does not want it
 *             ─► evicted    more than `queueMax` waited
 *
 * Every call costs by what it is given, not by what waits: it is on the main thread.
 */
import type { DatabaseSync } from 'node:sqlite'
import { type AlarmTopicRecord, decodeJson, type NotificationRecord } from '@millrace/contract'
import type { Log as Logger } from '@millrace/platform'
import { transaction } from '@millrace/platform/sqlite'
import type { LogRecord } from '../log/log.ts'
import { type Marks, pass } from '../stage/marks.ts'
import { openFile } from './outbox-file.ts'

export type NotificationState = 'pending' | 'sent' | 'withheld' | 'refused' | 'evicted'

/** One that waits. */
export interface PendingRow {
  seq: number
  alarm: string
  isEnd: boolean
  urgency: number
  /** How often it was sent. */
  attempts: number
  atMs: number
  /** When a failed one may be tried again; else 0. Wall clock. */
  nextMs: number
}

/** What became of one; `pending`: it failed, and is tried again. */
export interface Outcome {
  seq: number
  state: Exclude<NotificationState, 'evicted'>
  attempts: number
  nextMs?: number
  sentMs?: number
  error?: string
}

export interface Taken {
  /** How many waiting ones had to be given up. */
  evicted: number
  /** Alarms of which one no longer waits, evicted or decided by another process. */
  alarms: string[]
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

const urgencies = { high: 0, medium: 1, low: 2 }
/** How many of those that are done with are looked at in one `take`, beside as many as it was given. */
const forgetMax = 1000

export type Outbox = ReturnType<typeof openOutbox>

/** @throws MillraceError NOTIFY_OUTBOX_NEWER */
export function openOutbox(options: OutboxOptions, logger: Logger, nowMs: number) {
  const db = openFile(options.path, logger, nowMs)
  const listed = JSON.stringify(options.targets)
  db.prepare(
    `UPDATE notifications SET state = 'withheld', error = 'no such receiver any more'
     WHERE state = 'pending' AND target NOT IN (SELECT value FROM json_each(?))`,
  ).run(listed)
  const file = { db, sql: prepare(db), listed, options, pending: 0, done: 0, forgottenTo: 0 }
  recount(file)
  const { sql } = file

  return {
    /** Undefined when this log was never read; what another log said of active alarms is then forgotten. */
    position(log: string, partition: number): number | undefined {
      const row = sql.positionOf.get(partition)
      if (row?.log === log) return Number(row.next)
      if (row) sql.forgetAlarms.run(partition)
      return undefined
    },

    /** Records in order, durable when it returns. */
    take(log: string, partition: number, records: LogRecord[]): Taken {
      return change(file, () => {
        const alarms = takeAll(file, { log, partition, records })
        forget(file, forgetMax + records.length * options.targets.length)
        const evicted = evict(file)
        return { evicted: evicted.length, alarms: [...alarms, ...evicted] }
      })
    },

    /** Those that wait for a receiver, by `seq`, which never falls from one to the next that is taken. */
    waiting: (target: string, afterSeq: number, limit: number): PendingRow[] =>
      sql.waiting.all(target, afterSeq, limit).map((row) => ({
        seq: Number(row.seq),
        alarm: `${row.alarm}`,
        isEnd: row.active === 0,
        urgency: Number(row.urgency),
        attempts: Number(row.attempts),
        atMs: Number(row.at_ms),
        nextMs: Number(row.next_ms),
      })),

    /** Undefined when it no longer waits. */
    read(seq: number): NotificationRecord | undefined {
      const row = sql.read.get(seq)
      return row && JSON.parse(`${row.json}`)
    },

    isActive: (alarm: string): boolean => sql.isActive.get(alarm) !== undefined,
    /** Whether the receiver knows of a notification: `perhaps` when it was sent, and nobody heard the answer. */
    isTold(key: string, target: string): 'waits' | 'yes' | 'perhaps' | 'no' {
      const { state, attempts } = sql.stateOf.get(key, target) ?? {}
      if (state === 'pending') return 'waits'
      if (state === 'sent') return 'yes'
      return state !== undefined && state !== 'refused' && Number(attempts) > 0 ? 'perhaps' : 'no'
    },

    /** They are about to be sent: durable when it returns, so that it is known after a kill. */
    start: (seqs: number[]): void =>
      change(file, () => {
        for (const seq of seqs) sql.start.run(seq)
      }),

    /** In one transaction, durable when it returns. */
    record: (outcomes: Outcome[]): void =>
      change(file, () => {
        for (const outcome of outcomes) recordOne(file, outcome)
      }),

    pending: (): number => file.pending,

    list: (limit: number): NotificationView[] =>
      sql.newest.all(limit).map((row) => ({
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

interface OutboxFile {
  db: DatabaseSync
  sql: ReturnType<typeof prepare>
  /** The receivers' names, as JSON. */
  listed: string
  options: OutboxOptions
  /** Rows that wait, and that do not. */
  pending: number
  done: number
  /** Up to where those that are done with were looked at in this lap. */
  forgottenTo: number
}

function prepare(db: DatabaseSync) {
  return {
    positionOf: db.prepare('SELECT log, next, marks FROM positions WHERE partition = ?'),
    setPosition: db.prepare('INSERT OR REPLACE INTO positions(partition, log, next, marks) VALUES (?, ?, ?, ?)'),
    forgetAlarms: db.prepare('DELETE FROM alarms WHERE partition = ?'),
    begin: db.prepare('INSERT OR IGNORE INTO alarms(id, partition) VALUES (?, ?)'),
    end: db.prepare('DELETE FROM alarms WHERE id = ?'),
    isActive: db.prepare('SELECT 1 FROM alarms WHERE id = ?'),
    insert: db.prepare(
      'INSERT OR IGNORE INTO notifications(key, target, alarm, urgency, json) SELECT ?, value, ?, ?, ? FROM json_each(?)',
    ),
    evict: db.prepare(
      `UPDATE notifications SET state = 'evicted' WHERE seq IN (
         SELECT seq FROM notifications INDEXED BY pending WHERE state = 'pending' ORDER BY seq LIMIT ?) RETURNING alarm`,
    ),
    // The newest row stays, or its seq would be given a second time.
    old: db.prepare(
      `SELECT seq, alarm IN (SELECT id FROM alarms) AS active FROM notifications INDEXED BY done
       WHERE state != 'pending' AND seq > ? AND seq < (SELECT max(seq) FROM notifications) ORDER BY seq LIMIT ?`,
    ),
    forget: db.prepare('DELETE FROM notifications WHERE seq = ?'),
    waiting: db.prepare(
      `SELECT seq, alarm, urgency, attempts, next_ms, json_extract(json, '$.alarm.atMs') AS at_ms,
         json_extract(json, '$.alarm.active') AS active
       FROM notifications INDEXED BY pending_by_target WHERE state = 'pending' AND target = ? AND seq > ? ORDER BY seq LIMIT ?`,
    ),
    read: db.prepare(`SELECT json FROM notifications WHERE seq = ? AND state = 'pending'`),
    start: db.prepare('UPDATE notifications SET attempts = attempts + 1 WHERE seq = ?'),
    stateOf: db.prepare('SELECT state, attempts FROM notifications WHERE key = ? AND target = ?'),
    finish: db.prepare(
      `UPDATE notifications SET state = ?, sent_ms = ?, error = ?, attempts = ? WHERE seq = ? AND state = 'pending'`,
    ),
    sentAfterAll: db.prepare(`UPDATE notifications SET state = 'sent', sent_ms = ? WHERE seq = ?`),
    retry: db.prepare(`UPDATE notifications SET next_ms = ?, attempts = ?, error = ? WHERE seq = ? AND state = 'pending'`),
    settleKey: db.prepare(
      `UPDATE notifications SET state = ?, sent_ms = ? WHERE key = ? AND target = ? AND state = 'pending' RETURNING alarm`,
    ),
    count: db.prepare(
      `SELECT (SELECT count(*) FROM notifications WHERE state = 'pending') AS pending, (SELECT count(*) FROM notifications) AS n`,
    ),
    newest: db.prepare('SELECT * FROM notifications ORDER BY seq DESC LIMIT ?'),
  }
}

function change<T>(file: OutboxFile, work: () => T): T {
  try {
    return transaction(file.db, work)
  } catch (error) {
    recount(file)
    throw error
  }
}

function recount(file: OutboxFile): void {
  const { pending, n } = file.sql.count.get()!
  file.pending = Number(pending)
  file.done = Number(n) - file.pending
}

function takeAll(file: OutboxFile, { log, partition, records }: { log: string; partition: number; records: LogRecord[] }) {
  const row = file.sql.positionOf.get(partition)
  const marks: Marks = row?.log === log ? JSON.parse(`${row.marks}`) : {}
  const alarms: string[] = []
  for (const { value, source } of records) {
    if (pass(marks, source)) takeOne(file, decodeJson<AlarmTopicRecord>(value), partition, alarms)
  }
  file.sql.setPosition.run(partition, log, records.at(-1)!.offset + 1, JSON.stringify(marks))
  return alarms
}

function takeOne(file: OutboxFile, record: AlarmTopicRecord, partition: number, settled: string[]): void {
  const { sql, listed } = file
  if (record.k === 'notification') {
    const { key, alarm } = record
    file.pending += Number(sql.insert.run(key, alarm.id, urgencies[alarm.priority], JSON.stringify(record), listed).changes)
  } else if (record.k === 'settled') {
    for (const { alarm } of sql.settleKey.all(record.state, record.atMs, record.key, record.target)) {
      finished(file, 1)
      settled.push(`${alarm}`)
    }
  } else if (record.change === 'cleared') sql.end.run(record.id)
  else if (record.change === 'raised' && !record.retrospective) sql.begin.run(record.id, partition)
}

function finished(file: OutboxFile, count: number): void {
  file.pending -= count
  file.done += count
}

function evict(file: OutboxFile): string[] {
  const excess = file.pending - file.options.queueMax
  if (excess <= 0) return []
  const rows = file.sql.evict.all(excess)
  finished(file, rows.length)
  return rows.map(({ alarm }) => `${alarm}`)
}

/** Lap after lap over those that are done with, the oldest first. What is known of an alarm that is still active decides whether its end is told. */
function forget(file: OutboxFile, lookMax: number): void {
  const limit = Math.min(lookMax, file.done - file.options.historyMax)
  if (limit <= 0) return
  const rows = file.sql.old.all(file.forgottenTo, limit)
  for (const { seq, active } of rows) if (active === 0) file.done -= Number(file.sql.forget.run(seq!).changes)
  file.forgottenTo = rows.length < limit ? 0 : Number(rows.at(-1)!.seq)
}

/** What was sent is known as sent even when it was given up before the answer came. */
function recordOne(file: OutboxFile, { seq, state, attempts, nextMs, sentMs, error }: Outcome): void {
  const { finish, retry, sentAfterAll } = file.sql
  if (state === 'pending') retry.run(nextMs ?? 0, attempts, error ?? null, seq)
  else if (finish.run(state, sentMs ?? null, error ?? null, attempts, seq).changes > 0) finished(file, 1)
  else if (state === 'sent') sentAfterAll.run(sentMs ?? null, seq)
}
