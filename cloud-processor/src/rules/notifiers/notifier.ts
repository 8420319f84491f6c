/**
 * A notifier tells people, or their tools, of one alarm change. It sends once and says how that went; the runner
 * (`../notify.ts`) keeps, repeats, withholds, times out and counts.
 *
 * A plug-in is a folder `x/` with `x.ts`, `x.test.ts`, `README.md`; it adds one line to `index.ts`. `conformance.ts` is the
 * contract as a test suite.
 */
import type { AlarmRecord, NotificationRecord } from '@millrace/contract'
import type { Clock, Log } from '@millrace/platform'
import type { z } from 'zod'

/** Why people are told of an alarm that they were told of before. */
export type Reason = 'repeated' | 'escalated'

/** What is told: of one alarm, or in a message of a group of several. */
export interface Notification extends NotificationRecord {
  /** Of a message about several: the most urgent first, which is `alarm`, each with its own key. At most a hundred. */
  alarms?: { key: string; alarm: AlarmRecord; reason?: Reason }[]
  /** How many it is about, with those that it does not name. */
  count?: number
  reason?: Reason
}

export interface Notifier {
  /**
   * Resolves when the receiver has taken it. The receiver must be given `notification.key`, which is the same in every
   * repeat. @throws MillraceError NOTIFY_UNREACHABLE (tried again) or NOTIFY_REFUSED (set aside); whatever else it
   * throws is tried again. Gives up when `signal` aborts.
   */
  send(notification: Notification, signal: AbortSignal): Promise<void>
}

export interface NotifierContext {
  /** The receiver's name in the configuration. */
  target: string
  clock: Clock
  log: Log
  /** Address of the page, for a link. */
  pageUrl?: string | undefined
}

/** What the configuration says of every receiver. */
export interface TargetConfig {
  kind: string
  name: string
}

export interface NotifierPlugin<Config extends TargetConfig = TargetConfig> {
  kind: string
  /** With the literal `kind`, and a default for `name`. */
  schema: z.ZodType<Config>
  create(config: Config, context: NotifierContext): Notifier
}
