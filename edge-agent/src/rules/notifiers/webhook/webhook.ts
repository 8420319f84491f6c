/** POSTs each alarm change as the processor's webhook does, to what is on the gateway or in its network. */
import { alertOf } from '@millrace/contract'
import { postWebhook, type WebhookConfig, webhookSchema } from '@millrace/platform'
import type { LocalNotifierPlugin } from '../notifier.ts'

export const webhook: LocalNotifierPlugin<WebhookConfig> = {
  kind: 'webhook',
  schema: webhookSchema,
  create: (config) => ({
    send: ({ key, alarm }, _, signal) => postWebhook(config, { key, body: alertOf(alarm, config.name) }, signal),
  }),
}
