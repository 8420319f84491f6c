/** POSTs alarm changes as Alertmanager's webhook payload: one alert a message, or with a route those of a group. */
import { alertOf } from '@millrace/contract'
import { ownValue, postWebhook, type WebhookConfig, webhookSchema } from '@millrace/platform'
import type { Notification, NotifierPlugin } from '../notifier.ts'

export const webhook: NotifierPlugin<WebhookConfig> = {
  kind: 'webhook',
  schema: webhookSchema,
  create: (config) => ({
    send: (notification, signal) =>
      postWebhook(config, { key: notification.key, body: payloadOf(notification, config.name) }, signal),
  }),
}

function payloadOf({ key, alarm, alarms, count = 1 }: Notification, receiver: string) {
  const first = alertOf(alarm, receiver)
  if (!alarms) return first
  const alerts = alarms.flatMap((one) => alertOf(one.alarm, receiver).alerts)
  return {
    ...first,
    groupKey: `{}:{message=${JSON.stringify(key)}}`,
    truncatedAlerts: count - alarms.length,
    status: alarms.some((one) => one.alarm.active) ? 'firing' : 'resolved',
    groupLabels: {},
    commonLabels: commonOf(alerts.map(({ labels }) => labels)),
    commonAnnotations: commonOf(alerts.map(({ annotations }) => annotations)),
    alerts,
  }
}

/** What all of them have. */
function commonOf(all: Record<string, string>[]): Record<string, string> {
  return Object.fromEntries(Object.entries(all[0]!).filter(([name, value]) => all.every((one) => ownValue(one, name) === value)))
}
