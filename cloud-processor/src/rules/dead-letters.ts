/**
 * Notifications that reached nobody, in the file of the notifier (`outbox-file.ts`): refused by their receiver, or given up because more
 * than `queueMax` waited. They are sent again from here, under their key, also while the processor runs: it does not touch them any more.
 */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '@millrace/platform'
import type { NotifierConfig } from './config.ts'
import { createNotifier } from './notifiers/index.ts'
import type { Notification, NotifierContext } from './notifiers/notifier.ts'

export interface DeadLetter {
  key: string
  receiver: string
  why: 'refused' | 'evicted'
  error?: string
  /** Of the alarm; of a message the first one's. */
  atMs: number
  device: string
  text: string
  /** Of a message the number of its notifications. */
  count: number
  /** Whether the alarm is still active. */
  isActive: boolean
}

export interface SentAgain {
  key: string
  receiver: string
  isTaken: boolean
  error?: string
}

/** A write of the processor is waited for. */
const busyMs = 5000
/** Members of a message are not listed beside it. */
const dead = `FROM notifications WHERE state IN ('refused', 'evicted') AND bundle IS NULL`

/** Oldest first. */
export function listDeadLetters(path: string): DeadLetter[] {
  return withFile(path, [], (db) =>
    db
      .prepare(`SELECT key, target, state, error, json, alarm IN (SELECT id FROM alarms) AS active ${dead} ORDER BY seq`)
      .all()
      .map((row) => {
        const { alarm, count = 1 } = JSON.parse(`${row.json}`) as Notification
        return {
          ...{ key: `${row.key}`, receiver: `${row.target}`, why: row.state as DeadLetter['why'] },
          ...(row.error === null ? {} : { error: `${row.error}` }),
          ...{ atMs: alarm.atMs, device: alarm.device, text: alarm.text, count, isActive: row.active === 1 },
        }
      }),
  )
}

/** One after the other. @param keys those that are sent @throws MillraceError NOTIFY_UNKNOWN where a receiver is no longer configured */
export async function sendAgain(
  path: string,
  keys: ReadonlySet<string>,
  config: NotifierConfig,
  context: Pick<NotifierContext, 'clock' | 'log'>,
): Promise<SentAgain[]> {
  const found: SentAgain[] = []
  for (const { key, receiver } of listDeadLetters(path).filter((one) => keys.has(one.key))) {
    const notifier = notifierOf(config, receiver, context)
    const notification = withFile(path, undefined, (db) => read(db, key, receiver))
    if (!notification) continue
    const error = await notifier.send(notification, AbortSignal.timeout(config.timeoutMs)).then(
      () => undefined,
      (cause) => (cause instanceof Error ? cause.message : `${cause}`),
    )
    if (error === undefined) withFile(path, undefined, (db) => markSent(db, { key, receiver }, context.clock.now()))
    found.push({ key, receiver, isTaken: error === undefined, ...(error === undefined ? {} : { error }) })
  }
  return found
}

function notifierOf({ to, pageUrl }: NotifierConfig, target: string, context: Pick<NotifierContext, 'clock' | 'log'>) {
  const receiver = to.find(({ name }) => name === target)
  if (receiver) return createNotifier(receiver, { ...context, target, pageUrl })
  throw new MillraceError('NOTIFY_UNKNOWN', { target, known: to.map(({ name }) => name).join(', ') || 'none' })
}

function read(db: DatabaseSync, key: string, receiver: string): Notification | undefined {
  const row = db.prepare(`SELECT json ${dead} AND key = ? AND target = ?`).get(key, receiver)
  return row && (JSON.parse(`${row.json}`) as Notification)
}

/** With the members of a message, which are then known as told. */
function markSent(db: DatabaseSync, { key, receiver }: { key: string; receiver: string }, nowMs: number): void {
  const sent = `UPDATE notifications SET state = 'sent', sent_ms = ?, error = NULL`
  const row = db.prepare(`${sent} WHERE key = ? AND target = ? RETURNING seq`).get(nowMs, key, receiver)
  if (row) db.prepare(`${sent} WHERE bundle = ?`).run(nowMs, row.seq!)
}

function withFile<T>(path: string, none: T, work: (db: DatabaseSync) => T): T {
  if (!existsSync(path)) return none
  const db = new DatabaseSync(path, { timeout: busyMs })
  try {
    return work(db)
  } finally {
    db.close()
  }
}
