/** POSTs each alarm change as Alertmanager's webhook payload, one alert a message. */
import { alertOf } from '@millrace/contract'
import { postWebhook, type WebhookConfig, webhookSchema } from '@millrace/platform'
import type { NotifierPlugin } from '../notifier.ts'

export const webhook: NotifierPlugin<WebhookConfig> = {
  kind: 'webhook',
  schema: webhookSchema,
  create: (config) => ({
    send: ({ key, alarm }, signal) => postWebhook(config, { key, body: alertOf(alarm, config.name) }, signal),
  }),
}
