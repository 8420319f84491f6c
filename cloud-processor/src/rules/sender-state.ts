/** What a sender (`sender.ts`) works with, and what it knows. */
import type { Clock, Log as Logger } from '@millrace/platform'
import type { NotifierConfig } from './config.ts'
import type { Notification, Notifier } from './notifiers/notifier.ts'
import type { Outbox } from './outbox.ts'
import type { Outcome } from './outbox-rows.ts'
import type { Settled } from './settled.ts'
import type { Supervision } from './supervision.ts'
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
  supervision: Supervision
  count(outcome: string): void
  /** A message waited too long: its members go back to their groups. */
  dissolve(entry: Entry): void
}

export interface SenderState extends SenderContext {
  waiting: Waiting
  /** Up to where `waiting` has what the outbox holds. */
  readTo: number
  /** Sent as soon as the outbox knows it. */
  starting: { entry: Entry; notification: Notification }[]
  inFlight: Map<Entry, Promise<void>>
  /** Known, and not yet in the outbox. */
  outcomes: Decided[]
  failuresInARow: number
  /** Of the first failure after the last answer, monotonic. */
  failingSinceMs: number | undefined
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
  notification: Notification
  cause?: unknown
}
