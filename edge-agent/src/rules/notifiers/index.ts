/** The local notifiers. Adding one is one line here; see notifier.ts. */
import { z } from 'zod'
import { file } from './file/file.ts'
import type { LocalNotifier, LocalNotifierPlugin, ReceiverConfig } from './notifier.ts'
import { webhook } from './webhook/webhook.ts'

export type { LocalNotifier, Message, ReceiverConfig } from './notifier.ts'

// biome-ignore lint/suspicious/noExplicitAny: each plug-in's own schema made the configuration that it is given
export const localNotifiers: LocalNotifierPlugin<any>[] = [file, webhook]

const byKind = new Map(localNotifiers.map((plugin) => [plugin.kind, plugin]))
const schemas = localNotifiers.map(({ schema }) => schema) as unknown as [z.ZodObject<{ kind: z.ZodLiteral<string> }>]

/** A receiver in the configuration. */
export const receiverSchema = z.discriminatedUnion('kind', schemas) as unknown as z.ZodType<ReceiverConfig>

export function createLocalNotifier(config: ReceiverConfig): LocalNotifier {
  return byKind.get(config.kind)!.create(config)
}
