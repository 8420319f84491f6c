/**
 * A local notifier tells people on the site of one alarm change, link or not. It sends once and says how that went; `../messages.ts`
 * keeps, repeats and times out.
 *
 * A plug-in is a folder `x/` with `x.ts`, `x.test.ts`, `README.md`; it adds one line to `index.ts`. `conformance.ts` is the contract as
 * a test suite.
 */
import type { AlarmRecord } from '@millrace/contract'
import type { z } from 'zod'

/** What is to be told. `key` is the same in every repeat, and the one that the cloud has for it. */
export interface Message {
  key: string
  alarm: AlarmRecord
}

export interface LocalNotifier {
  /**
   * Resolves when the receiver has it. @param activeCount alarms that are active now. @throws MillraceError NOTIFY_REFUSED where a repeat
   * is of no use; whatever else it throws is tried again. Gives up when `signal` aborts.
   */
  send(message: Message, activeCount: number, signal: AbortSignal): Promise<void>
}

/** What the configuration says of every receiver. */
export interface ReceiverConfig {
  kind: string
  name: string
}

export interface LocalNotifierPlugin<Config extends ReceiverConfig = ReceiverConfig> {
  kind: string
  /** With the literal `kind`, and a default for `name`. */
  schema: z.ZodType<Config>
  create(config: Config): LocalNotifier
}
