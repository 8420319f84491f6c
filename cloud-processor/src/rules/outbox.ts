/**
 * The notifications that are due, and what became of those that were (`outbox-file.ts`). What is read from the topic goes in
 * together with the new position, in one transaction, so none is missed or taken twice.
 *
 *     pending ─► sent       the receiver has taken it
 *             ─► withheld   too old, and its alarm no longer active; or its beginning was never told
 *             ─► refused    the receiver does not want it
 *             ─► evicted    more than `queueMax` waited; whose it is, shares.ts says
 *
 * Every call costs by what it is given, not by what waits: it is on the main thread.
 */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { AlarmTopicRecord, NotificationRecord } from '@millrace/contract'
import type { Log as Logger } from '@millrace/platform'
import { transaction } from '@millrace/platform/sqlite'
import { parsed } from '../log/damage.ts'
import type { LogRecord } from '../log/log.ts'
import { type Marks, pass } from '../stage/marks.ts'
import { openFile } from './outbox-file.ts'
import { prepare, type Statements } from './outbox-statements.ts'
import { type Place, Shares } from './shares.ts'

export type NotificationState = 'pending' | 'sent' | 'withheld' | 'refused' | 'evicted'

/** One that waits. */
export interface PendingRow {
  seq: number
  alarm: string
  device: string
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
  /** The devices of the waiting ones that had to be given up, one for each. */
  evicted: string[]
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

/** @throws MillraceError NOTIFY_OUTBOX_NEWER */
export function openOutbox(options: OutboxOptions, logger: Logger, nowMs: number): Outbox {
  return new Outbox(options, openFile(options.path, logger, nowMs))
}

export class Outbox {
  readonly #options: OutboxOptions
  readonly #db: DatabaseSync
  readonly #sql: Statements
  /** The receivers' names, as JSON. */
  readonly #listed: string
  /** Rows that wait, and that do not. */
  #pending = 0
  #done = 0
  #shares = new Shares()
  /** Up to where those that are done with were looked at in this lap. */
  #forgottenTo = 0

  constructor(options: OutboxOptions, db: DatabaseSync) {
    this.#options = options
    this.#db = db
    this.#listed = JSON.stringify(options.targets)
    db.prepare(
      `UPDATE notifications SET state = 'withheld', error = 'no such receiver any more'
       WHERE state = 'pending' AND target NOT IN (SELECT value FROM json_each(?))`,
    ).run(this.#listed)
    this.#sql = prepare(db)
    this.#recount()
  }

  /** Undefined when this log was never read; what another log said of active alarms is then forgotten. */
  position(log: string, partition: number): number | undefined {
    const row = this.#sql.positionOf.get(partition)
    if (row?.log === log) return Number(row.next)
    if (row) this.#sql.forgetAlarms.run(partition)
    return undefined
  }

  /** Records in order, durable when it returns. */
  take(log: string, partition: number, records: LogRecord[]): Taken {
    return this.#change(() => {
      const alarms = this.#takeAll(log, partition, records)
      this.#forget(forgetMax + records.length * this.#options.targets.length)
      const evicted = this.#evict(alarms)
      return { evicted, alarms }
    })
  }

  #takeAll(log: string, partition: number, records: LogRecord[]): string[] {
    const row = this.#sql.positionOf.get(partition)
    const marks: Marks = row?.log === log ? JSON.parse(`${row.marks}`) : {}
    const alarms: string[] = []
    const fresh = records.filter(({ source, damage }) => !damage && pass(marks, source))
    for (const record of parsed<AlarmTopicRecord>(fresh)) this.#takeOne(record, partition, alarms)
    this.#sql.setPosition.run(partition, log, records.at(-1)!.offset + 1, JSON.stringify(marks))
    return alarms
  }

  #takeOne(record: AlarmTopicRecord, partition: number, settled: string[]): void {
    if (record.k === 'notification') this.#insert(record)
    else if (record.k === 'settled') {
      for (const row of this.#sql.settleKey.all(record.state, record.atMs, record.key, record.target)) {
        this.#finished(placeOf(row))
        settled.push(`${row.alarm}`)
      }
    } else if (record.change === 'cleared') this.#sql.end.run(record.id)
    else if (record.change === 'raised' && !record.retrospective) this.#sql.begin.run(record.id, partition)
  }

  #insert(record: NotificationRecord): void {
    const { key, alarm } = record
    const urgency = urgencies[alarm.priority]
    const { device } = alarm
    for (const { target } of this.#sql.insert.all(key, alarm.id, urgency, JSON.stringify(record), this.#listed)) {
      this.#pending++
      this.#shares.add({ urgency, target: `${target}`, device })
    }
  }

  #finished(place: Place): void {
    this.#pending--
    this.#done++
    this.#shares.remove(place)
  }

  /** Lap after lap over those that are done with, the oldest first. What is known of an alarm that is still active decides whether its end is told. */
  #forget(lookMax: number): void {
    const limit = Math.min(lookMax, this.#done - this.#options.historyMax)
    if (limit <= 0) return
    const rows = this.#sql.old.all(this.#forgottenTo, limit)
    for (const { seq, active } of rows) if (active === 0) this.#done -= Number(this.#sql.forget.run(seq!).changes)
    this.#forgottenTo = rows.length < limit ? 0 : Number(rows.at(-1)!.seq)
  }

  /** Returns their devices. */
  #evict(alarms: string[]): string[] {
    const devices: string[] = []
    while (this.#pending > this.#options.queueMax) {
      const place = this.#shares.victim(this.#options.queueMax)
      const row = this.#sql.evict.get(place.urgency, place.target, place.device)!
      this.#finished(place)
      alarms.push(`${row.alarm}`)
      devices.push(place.device)
    }
    return devices
  }

  /** Those that wait for a receiver, by `seq`, which never falls from one to the next that is taken. */
  waiting(target: string, afterSeq: number, limit: number): PendingRow[] {
    return this.#sql.waiting.all(target, afterSeq, limit).map(pendingOf)
  }

  /** Undefined when it no longer waits. */
  read(seq: number): NotificationRecord | undefined {
    const row = this.#sql.read.get(seq)
    return row && JSON.parse(`${row.json}`)
  }

  isActive(alarm: string): boolean {
    return this.#sql.isActive.get(alarm) !== undefined
  }

  /** Whether the receiver knows of a notification: `perhaps` when it was sent, and nobody heard the answer. */
  isTold(key: string, target: string): 'waits' | 'yes' | 'perhaps' | 'no' {
    const { state, attempts } = this.#sql.stateOf.get(key, target) ?? {}
    if (state === 'pending') return 'waits'
    if (state === 'sent') return 'yes'
    return state !== undefined && state !== 'refused' && Number(attempts) > 0 ? 'perhaps' : 'no'
  }

  /** They are about to be sent: durable when it returns, so that it is known after a kill. */
  start(seqs: number[]): void {
    this.#change(() => {
      for (const seq of seqs) this.#sql.start.run(seq)
    })
  }

  /** In one transaction, durable when it returns. */
  record(outcomes: Outcome[]): void {
    this.#change(() => {
      for (const outcome of outcomes) this.#recordOne(outcome)
    })
  }

  /** What was sent is known as sent even when it was given up before the answer came. */
  #recordOne({ seq, state, attempts, nextMs, sentMs, error }: Outcome): void {
    const { finish, retry, sentAfterAll } = this.#sql
    if (state === 'pending') return void retry.run(nextMs ?? 0, attempts, error ?? null, seq)
    const finished = finish.get(state, sentMs ?? null, error ?? null, attempts, seq)
    if (finished) this.#finished(placeOf(finished))
    else if (state === 'sent') sentAfterAll.run(sentMs ?? null, seq)
  }

  #change<T>(work: () => T): T {
    try {
      return transaction(this.#db, work)
    } catch (error) {
      this.#recount()
      throw error
    }
  }

  #recount(): void {
    const { pending, n } = this.#sql.count.get()!
    this.#pending = Number(pending)
    this.#done = Number(n) - this.#pending
    this.#shares = new Shares()
    for (const row of this.#sql.sources.all()) for (let k = 0; k < Number(row.n); k++) this.#shares.add(placeOf(row))
  }

  pending(): number {
    return this.#pending
  }

  list(limit: number): NotificationView[] {
    return this.#sql.newest.all(limit).map(viewOf)
  }

  close(): void {
    this.#db.close()
  }
}

type Row = Record<string, SQLOutputValue>

function placeOf(row: Row): Place {
  return { urgency: Number(row.urgency), target: `${row.target}`, device: `${row.device}` }
}

function pendingOf(row: Row): PendingRow {
  return {
    seq: Number(row.seq),
    alarm: `${row.alarm}`,
    device: `${row.device}`,
    isEnd: row.active === 0,
    urgency: Number(row.urgency),
    attempts: Number(row.attempts),
    atMs: Number(row.at_ms),
    nextMs: Number(row.next_ms),
  }
}

function viewOf(row: Row): NotificationView {
  return {
    key: `${row.key}`,
    target: `${row.target}`,
    state: row.state as NotificationState,
    attempts: Number(row.attempts),
    ...(row.sent_ms === null ? {} : { sentMs: Number(row.sent_ms) }),
    ...(row.error === null ? {} : { error: `${row.error}` }),
    notification: JSON.parse(`${row.json}`),
  }
}
