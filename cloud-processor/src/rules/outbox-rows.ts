/** Rows of the notifications' file (`outbox-file.ts`) as the rest of the folder has them. */
import type { SQLOutputValue } from 'node:sqlite'
import type { Notification } from './notifiers/notifier.ts'
import type { Routes } from './routing/routes.ts'
import type { Place } from './shares.ts'

export type NotificationState = 'pending' | 'sent' | 'withheld' | 'refused' | 'evicted'

/** One that waits. */
export interface PendingRow {
  seq: number
  alarm: string
  device: string
  isEnd: boolean
  /** Of several that were in a group. */
  isMessage?: true
  /** Of an alarm that they were told of before. */
  isReminder?: true
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
  notification: Notification
}

export interface OutboxOptions {
  path: string
  targets: string[]
  /** Who is told of what. Absent: every receiver of every notification, each on its own. */
  routes?: Routes | undefined
  queueMax: number
  historyMax: number
}

type Row = Record<string, SQLOutputValue>

export function placeOf(row: Row): Place {
  return { urgency: Number(row.urgency), target: `${row.target}`, device: `${row.device}` }
}

export function pendingOf(row: Row): PendingRow {
  return {
    seq: Number(row.seq),
    alarm: `${row.alarm}`,
    device: `${row.device}`,
    isEnd: row.active === 0,
    ...(row.message === 1 ? { isMessage: true as const } : {}),
    ...(row.reminder === 1 ? { isReminder: true as const } : {}),
    urgency: Number(row.urgency),
    attempts: Number(row.attempts),
    atMs: Number(row.at_ms),
    nextMs: Number(row.next_ms),
  }
}

export function viewOf(row: Row): NotificationView {
  return {
    key: `${row.key}`,
    target: `${row.target}`,
    state: stateOf(`${row.state}`),
    attempts: Number(row.attempts),
    ...(row.sent_ms === null ? {} : { sentMs: Number(row.sent_ms) }),
    ...(row.error === null ? {} : { error: `${row.error}` }),
    notification: JSON.parse(`${row.json}`),
  }
}

/** One that waits in a group waits. */
function stateOf(state: string): NotificationState {
  return state === 'grouped' || state === 'bundled' ? 'pending' : (state as NotificationState)
}
