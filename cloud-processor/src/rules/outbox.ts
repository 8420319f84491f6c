/**
 * The notifications that are due, and what became of those that were (`outbox-file.ts`). What is read from the topic goes in
 * together with the new position, in one transaction, so none is missed or taken twice.
 *
 *     pending ─► sent       the receiver has taken it
 *             ─► withheld   too old, and its alarm no longer active; or its beginning was never told
 *             ─► refused    the receiver does not want it
 *             ─► evicted    more than `queueMax` waited; whose it is, shares.ts says
 *
 * With routes they wait in groups first: routing/members.ts.
 *
 * Every call costs by what it is given, not by what waits: it is on the main thread.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { AlarmRecord, AlarmTopicRecord, NotificationRecord } from '@millrace/contract'
import type { Log as Logger } from '@millrace/platform'
import { transaction } from '@millrace/platform/sqlite'
import { parsed } from '../log/damage.ts'
import type { LogRecord } from '../log/log.ts'
import { type Marks, pass } from '../stage/marks.ts'
import type { Notification } from './notifiers/notifier.ts'
import { openFile } from './outbox-file.ts'
import {
  type NotificationView,
  type OutboxOptions,
  type Outcome,
  type PendingRow,
  pendingOf,
  placeOf,
  type Taken,
  viewOf,
} from './outbox-rows.ts'
import { prepare, type Statements } from './outbox-statements.ts'
import { Grouped } from './routing/grouped.ts'
import type { Judged } from './routing/judgement.ts'
import { Members, type Told, urgencyOf } from './routing/members.ts'
import { OpenAlarms } from './routing/open-alarms.ts'
import type { Reminder } from './routing/reminders.ts'
import { type Place, Shares } from './shares.ts'

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
  /** Notifications that wait in groups, and how many. */
  readonly #members: Members
  readonly #open: OpenAlarms
  readonly #grouped: Grouped
  /** Up to where those that are done with were looked at in this lap. */
  #forgottenTo = 0

  constructor(options: OutboxOptions, db: DatabaseSync) {
    this.#options = options
    this.#db = db
    this.#listed = JSON.stringify(options.targets)
    db.prepare(
      `UPDATE notifications SET state = 'withheld', error = 'no such receiver any more'
       WHERE state IN ('pending', 'grouped', 'bundled') AND target NOT IN (SELECT value FROM json_each(?))`,
    ).run(this.#listed)
    this.#sql = prepare(db)
    this.#members = new Members(db)
    this.#open = new OpenAlarms(db)
    this.#grouped = new Grouped(this.#members, this.#open)
    this.#recount()
  }

  /** Undefined when this log was never read; what another log said of active alarms is then forgotten. */
  position(log: string, partition: number): number | undefined {
    const row = this.#sql.positionOf.get(partition)
    if (row?.log === log) return Number(row.next)
    if (row) this.#sql.forgetAlarms.run(partition)
    this.#open.load()
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
      const message = this.#grouped.settle(record)
      if (message !== undefined) this.#recordOne({ seq: message, state: record.state, attempts: 0, sentMs: record.atMs })
    } else this.#takeAlarm(record, partition)
  }

  #takeAlarm(alarm: AlarmRecord, partition: number): void {
    const { id, change, retrospective } = alarm
    if (change === 'cleared') {
      this.#sql.end.run(id)
      this.#open.end(id)
    } else if (change === 'raised' && !retrospective) this.#sql.begin.run(id, partition)
    if (this.#options.routes && alarm.active) this.#open.see(alarm)
  }

  #insert(record: NotificationRecord): void {
    if (this.#options.routes) return this.#grouped.insert(record, this.#options.routes)
    const { key, alarm } = record
    const urgency = urgencyOf(alarm)
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
      this.#members.finish(Number(row.seq), 'evicted')
      alarms.push(`${row.alarm}`)
      devices.push(place.device)
    }
    while (this.#grouped.count > this.#options.queueMax) {
      const { alarm, device } = this.#grouped.evict()
      alarms.push(alarm)
      devices.push(device)
    }
    return devices
  }

  /** Those that wait for a receiver, by `seq`, which never falls from one to the next that is taken. */
  waiting(target: string, afterSeq: number, limit: number): PendingRow[] {
    return this.#sql.waiting.all(target, afterSeq, limit).map(pendingOf)
  }

  /** Undefined when it no longer waits. */
  read(seq: number): Notification | undefined {
    const row = this.#sql.read.get(seq)
    return row && JSON.parse(`${row.json}`)
  }

  isActive(alarm: string): boolean {
    return this.#sql.isActive.get(alarm) !== undefined
  }

  /** Ids of active alarms that begin so. */
  activeWith(prefix: string): string[] {
    return this.#sql.activeWith.all(prefix, `${prefix}\u{10ffff}`).map(({ id }) => `${id}`)
  }

  /** Whether the receiver knows of a notification: `perhaps` when it was sent, and nobody heard the answer. */
  isTold(key: string, target: string): Told {
    const { state, attempts } = this.#sql.stateOf.get(key, target) ?? {}
    if (state === 'pending') return 'waits'
    if (state === 'sent') return 'yes'
    return state !== undefined && state !== 'refused' && Number(attempts) > 0 ? 'perhaps' : 'no'
  }

  told(alarm: string, target: string): Told {
    return this.#members.told(alarm, target)
  }

  get members(): Pick<Members, 'waiting' | 'read' | 'keysOf' | 'messagesWaiting' | 'firstToldMs'> {
    return this.#members
  }

  get openAlarms(): Pick<OpenAlarms, 'get' | 'all'> {
    return this.#open
  }

  /** Makes a message of those that are to be told, and withholds others. @returns whether there is a message */
  bundle(target: string, judged: Pick<Judged, 'send' | 'withhold'>, nowMs: number): boolean {
    return this.#change(() => {
      const { send, withhold } = judged
      const message = this.#grouped.bundle(target, judged, nowMs)
      this.#done += withhold.length
      if (!message) return false
      const { device, priority } = this.read(message.seq)!.alarm
      this.#pending++
      this.#shares.add({ urgency: urgencyOf({ priority }), target, device })
      this.#done += (send.length > 1 ? send.length : 0) - (message.isAgain ? 1 : 0)
      return true
    })
  }

  /** A message that waited too long: its members wait in their groups again. */
  dissolve(seq: number, attempts: number, why: string): void {
    this.#change(() => {
      this.#members.dissolve(seq)
      this.#recordOne({ seq, state: 'withheld', attempts, error: why })
      this.#recount()
    })
  }

  remind(reminders: Reminder[], nowMs: number): void {
    this.#change(() => this.#grouped.remind(reminders, nowMs))
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
    this.#members.finish(seq, state, { sentMs: sentMs ?? null, error: error ?? null })
    if (finished) this.#finished(placeOf(finished))
    else if (state === 'sent') sentAfterAll.run(sentMs ?? null, seq)
  }

  #change<T>(work: () => T): T {
    try {
      return transaction(this.#db, work)
    } catch (error) {
      this.#recount()
      this.#open.load()
      throw error
    }
  }

  #recount(): void {
    const { pending, n } = this.#sql.count.get()!
    this.#pending = Number(pending)
    this.#done = Number(n) - this.#pending - this.#grouped.recount()
    this.#shares = new Shares()
    for (const row of this.#sql.sources.all()) for (let k = 0; k < Number(row.n); k++) this.#shares.add(placeOf(row))
  }

  pending(): number {
    return this.#pending + this.#grouped.count
  }

  list(limit: number): NotificationView[] {
    return this.#sql.newest.all(limit).map(viewOf)
  }

  close(): void {
    this.#db.close()
  }
}
