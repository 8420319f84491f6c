/** Every kind of notifier. A new one is a folder and a line in each of the two lists. */
import type { Clock, Log } from '@millrace/platform'
import { z } from 'zod'
import { log, logSchema } from './log/log.ts'
import type { Notifier, NotifierPlugin } from './notifier.ts'
import { webhook, webhookSchema } from './webhook/webhook.ts'

export const targetSchema = z.discriminatedUnion('kind', [logSchema, webhookSchema])
const plugins = { log, webhook } as Record<string, NotifierPlugin>

export type TargetConfig = z.infer<typeof targetSchema>

export function createNotifier(config: TargetConfig, around: { target: string; clock: Clock; log: Log }): Notifier {
  return plugins[config.kind]!.create(config, around)
}
