/** The notifiers. Adding one is one line here; see notifier.ts. */
import { z } from 'zod'
import { alertmanager } from './alertmanager/alertmanager.ts'
import { email } from './email/email.ts'
import { log } from './log/log.ts'
import { mqtt } from './mqtt/mqtt.ts'
import type { Notifier, NotifierContext, NotifierPlugin, TargetConfig } from './notifier.ts'
import { ntfy } from './ntfy/ntfy.ts'
import { webhook } from './webhook/webhook.ts'

export const notifiers: NotifierPlugin[] = [alertmanager, email, log, mqtt, ntfy, webhook]

const byKind = new Map(notifiers.map((plugin) => [plugin.kind, plugin]))
const schemas = notifiers.map(({ schema }) => schema) as unknown as [z.ZodObject<{ kind: z.ZodLiteral<string> }>]

/** A receiver in the configuration. */
export const targetSchema = z.discriminatedUnion('kind', schemas) as unknown as z.ZodType<TargetConfig>

export function createNotifier(config: TargetConfig, context: NotifierContext): Notifier {
  return byKind.get(config.kind)!.create(config, context)
}
