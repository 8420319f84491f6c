/** What a sender (`sender.ts`) works with, and what it knows. */
import type { NotificationRecord } from '@millrace/contract'
import type { Clock, Log as Logger } from '@millrace/platform'
import type { NotifierConfig } from './config.ts'
import type { Notifier } from './notifiers/notifier.ts'
import type { Outbox, Outcome } from './outbox.ts'
import type { Settled } from './settled.ts'
import type { Entry, Waiting } from './waiting.ts'

export interface SenderContext {
  target: string
  notifier: Notifier
  outbox: Outbox
  config: NotifierConfig
  clock: Clock
  logger: Logger
  isCaughtUp(): boolean
  isLeaseHeld(): boolean
  settled: Settled
  count(outcome: string): void
}

export interface SenderState extends SenderContext {
  waiting: Waiting
  /** Up to where `waiting` has what the outbox holds. */
  readTo: number
  /** Sent as soon as the outbox knows it. */
  starting: { entry: Entry; notification: NotificationRecord }[]
  inFlight: Map<Entry, Promise<void>>
  /** Known, and not yet in the outbox. */
  outcomes: Decided[]
  failuresInARow: number
  nextProbeMs: number
  /** Of what was sent last. */
  wasRetry: boolean
  isStopping: boolean
  /** Ends what is in flight. */
  aborting: AbortController
  wake(): void
}

export interface Decided extends Outcome {
  entry: Entry
  notification: NotificationRecord
  cause?: unknown
}
