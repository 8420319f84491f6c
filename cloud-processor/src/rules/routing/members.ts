/**
 * Notifications that wait in a group, in the outbox's file. A *message* is a notification of its own about its members, and leaves as any
 * other does; what becomes of it becomes of them.
 *
 *     grouped ─► bundled ─► sent, refused, ...   as its message
 *             ─► pending                         it is the only one: it is its own message
 *             ─► withheld                        nobody is to be told of it any more
 *     bundled ─► grouped                         the message waited so long that it would tell the past
 */
import { createHash } from 'node:crypto'
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { AlarmRecord, NotificationRecord, SettledRecord } from '@millrace/contract'
import type { Notification, Reason } from '../notifiers/notifier.ts'

/** Alarms that a message names; the rest it counts. */
const namedMax = 100

/** One that waits in a group. */
export interface Member {
  seq: number
  key: string
  notification: NotificationRecord & { reason?: Reason; madeMs?: number }
  where: Waiting
}

export interface Waiting {
  seq: number
  target: string
  route: string
  group: string
  urgency: number
}

export type Told = 'waits' | 'yes' | 'perhaps' | 'no'

export class Members {
  readonly #db: DatabaseSync

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** True when it was not known. */
  insert(notification: Notification, urgency: number, where: Omit<Waiting, 'seq' | 'urgency'>): boolean {
    const { key, alarm } = notification
    const insert = this.#db.prepare(
      `INSERT OR IGNORE INTO notifications(key, target, alarm, urgency, json, state, route, grp) VALUES (?, ?, ?, ?, ?, 'grouped', ?, ?)`,
    )
    const { target, route, group } = where
    return insert.run(key, target, alarm.id, urgency, JSON.stringify(notification), route, group).changes > 0
  }

  /** What another process did with one that this one has not made. */
  insertSettled(notification: Notification, target: string, state: string): void {
    const insert = this.#db.prepare(
      'INSERT OR IGNORE INTO notifications(key, target, alarm, urgency, json, state) VALUES (?, ?, ?, 0, ?, ?)',
    )
    insert.run(notification.key, target, notification.alarm.id, JSON.stringify(notification), state)
  }

  /** @returns how many waited in a group: one or none */
  settle({ key, target, state, atMs }: Pick<SettledRecord, 'key' | 'target' | 'state' | 'atMs'>): number {
    const settle = this.#db.prepare(
      `UPDATE notifications SET state = ?, sent_ms = ? WHERE key = ? AND target = ? AND state = 'grouped'`,
    )
    return Number(settle.run(state, atMs, key, target).changes)
  }

  /** One that is in a message. @returns the message, when each that it is about has been told of elsewhere */
  settleBundled({ key, target, state, atMs }: Pick<SettledRecord, 'key' | 'target' | 'state' | 'atMs'>): number | undefined {
    const row = this.#db
      .prepare(
        `UPDATE notifications SET state = ?, sent_ms = ? WHERE key = ? AND target = ? AND state = 'bundled' RETURNING bundle`,
      )
      .get(state, atMs, key, target)
    if (!row) return undefined
    const rest = this.#db.prepare(`SELECT 1 FROM notifications WHERE bundle = ? AND state = 'bundled'`).get(row.bundle!)
    return rest ? undefined : Number(row.bundle)
  }

  waiting(afterSeq: number, limit: number): Waiting[] {
    return this.#db
      .prepare(
        `SELECT ${place} FROM notifications INDEXED BY grouped_by_seq WHERE state = 'grouped' AND seq > ? ORDER BY seq LIMIT ?`,
      )
      .all(afterSeq, limit)
      .map(waitingOf)
  }

  count(): number {
    return Number(this.#db.prepare(`SELECT count(*) AS n FROM notifications WHERE state = 'grouped'`).get()!.n)
  }

  /** Of those that still wait in a group. */
  read(seqs: number[]): Member[] {
    const one = this.#db.prepare(`SELECT ${place}, key, json FROM notifications WHERE seq = ? AND state = 'grouped'`)
    return seqs.flatMap((seq) => {
      const row = one.get(seq)
      return row ? [{ seq, key: `${row.key}`, notification: JSON.parse(`${row.json}`), where: waitingOf(row) }] : []
    })
  }

  withhold(seq: number, why: string): void {
    this.#db.prepare(`UPDATE notifications SET state = 'withheld', error = ? WHERE seq = ?`).run(why, seq)
  }

  /** @returns the seq of what is to be sent. A message that was made before of the same members and dissolved is sent again. */
  bundle(members: Member[], target: string, nowMs: number): { seq: number; isAgain: boolean } {
    if (members.length === 1) return { seq: this.#alone(members[0]!.seq), isAgain: false }
    const message = messageOf(members, nowMs)
    const urgency = urgencyOf(message.alarm)
    const row = this.#db
      .prepare('INSERT OR IGNORE INTO notifications(key, target, alarm, urgency, json) VALUES (?, ?, ?, ?, ?) RETURNING seq')
      .get(message.key, target, message.alarm.id, urgency, JSON.stringify(message))
    const seq = Number((row ?? this.#again(message, target)).seq)
    const join = this.#db.prepare(`UPDATE notifications SET state = 'bundled', bundle = ? WHERE seq = ?`)
    for (const { seq: own } of members) join.run(seq, own)
    return { seq, isAgain: row === undefined }
  }

  #again({ key, ...message }: Notification, target: string): { seq?: SQLOutputValue } {
    return this.#db
      .prepare(
        `UPDATE notifications SET seq = (SELECT max(seq) + 1 FROM notifications), state = 'pending', error = NULL, json = ?
         WHERE key = ? AND target = ? RETURNING seq`,
      )
      .get(JSON.stringify({ key, ...message }), key, target)!
  }

  /** Behind what is sent already, so that it is read. */
  #alone(seq: number): number {
    const row = this.#db
      .prepare(
        `UPDATE notifications SET seq = (SELECT max(seq) + 1 FROM notifications), state = 'pending' WHERE seq = ? RETURNING seq`,
      )
      .get(seq)
    return Number(row!.seq)
  }

  finish(
    message: number,
    state: string,
    { sentMs = null, error = null }: { sentMs?: number | null; error?: string | null } = {},
  ): void {
    this.#db
      .prepare(`UPDATE notifications SET state = ?, sent_ms = ?, error = ? WHERE bundle = ? AND state = 'bundled'`)
      .run(state, sentMs, error, message)
  }

  /** The members wait again, and know how often they were sent. */
  dissolve(message: number): void {
    this.#db
      .prepare(
        `UPDATE notifications SET state = 'grouped', attempts = (SELECT attempts FROM notifications WHERE seq = ?), bundle = NULL
         WHERE bundle = ? AND state = 'bundled'`,
      )
      .run(message, message)
  }

  /** What it is about, where it is a message of several. */
  keysOf(message: number): { key: string; subject: string }[] {
    const rows = this.#db
      .prepare(`SELECT key, json_extract(json, '$.alarm.subject') AS subject FROM notifications WHERE bundle = ?`)
      .all(message)
    return rows.map(({ key, subject }) => ({ key: `${key}`, subject: `${subject}` }))
  }

  messagesWaiting(target: string): number {
    const row = this.#db
      .prepare(`SELECT count(*) AS n FROM notifications INDEXED BY pending_by_target WHERE state = 'pending' AND target = ?`)
      .get(target)
    return Number(row!.n)
  }

  /** Whether the receiver knows that the alarm began, from whichever notification. */
  told(alarm: string, target: string): Told {
    return toldOf(this.#beginnings(alarm, target))
  }

  #beginnings(alarm: string, target: string): Record<string, SQLOutputValue>[] {
    return this.#db
      .prepare('SELECT state, attempts FROM notifications WHERE key >= ? AND key < ? AND target = ? AND key != ?')
      .all(`${alarm}#`, `${alarm}$`, target, `${alarm}#cleared`)
  }

  /** Receivers that were told of it, or are to be. */
  targetsOf(alarm: string): string[] {
    const rows = this.#db
      .prepare(`SELECT DISTINCT target FROM notifications WHERE key >= ? AND key < ? AND state NOT IN ('withheld', 'refused')`)
      .all(`${alarm}#`, `${alarm}$`)
    return rows.map(({ target }) => `${target}`)
  }

  /** When the first of its receivers was told. */
  firstToldMs(alarm: string): number | undefined {
    const row = this.#db
      .prepare('SELECT min(sent_ms) AS ms FROM notifications WHERE key >= ? AND key < ?')
      .get(`${alarm}#`, `${alarm}$`)
    return row?.ms === null ? undefined : Number(row!.ms)
  }

  /** Gives up the least urgent and oldest. @returns its device and alarm */
  evict(): { device: string; alarm: string } {
    const row = this.#db
      .prepare(
        `UPDATE notifications SET state = 'evicted' WHERE seq =
           (SELECT seq FROM notifications WHERE state = 'grouped' ORDER BY urgency DESC, seq LIMIT 1)
         RETURNING alarm, json_extract(json, '$.alarm.device') AS device`,
      )
      .get()!
    return { device: `${row.device}`, alarm: `${row.alarm}` }
  }
}

const place = 'seq, target, route, grp, urgency'

function waitingOf(row: Record<string, SQLOutputValue>): Waiting {
  const { seq, target, route, grp, urgency } = row
  return { seq: Number(seq), target: `${target}`, route: `${route}`, group: `${grp}`, urgency: Number(urgency) }
}

function toldOf(rows: Record<string, SQLOutputValue>[]): Told {
  const has = (...states: string[]) => rows.some(({ state }) => states.includes(`${state}`))
  if (has('sent')) return 'yes'
  if (has('pending', 'grouped', 'bundled')) return 'waits'
  return rows.some(({ state, attempts }) => state !== 'refused' && Number(attempts) > 0) ? 'perhaps' : 'no'
}

const urgencies = { high: 0, medium: 1, low: 2 }
export const urgencyOf = ({ priority }: Pick<AlarmRecord, 'priority'>) => urgencies[priority]

/** The most urgent is the first; of an alarm that has several changes the newest is named. */
function messageOf(members: Member[], madeMs: number): Notification & { madeMs: number } {
  const newest = new Map(members.map(({ notification }) => [notification.alarm.id, notification]))
  const all = [...newest.values()].sort(
    (a, b) => urgencyOf(a.alarm) - urgencyOf(b.alarm) || Number(b.alarm.active) - Number(a.alarm.active),
  )
  const [first] = all
  const text = members
    .map(({ key }) => key)
    .sort()
    .join('\n')
  const key = `group#${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
  const named = all.slice(0, namedMax).map(({ key, alarm, reason }) => ({ key, alarm, ...(reason ? { reason } : {}) }))
  return { f: 1, k: 'notification', key, alarm: first!.alarm, alarms: named, count: all.length, madeMs }
}
