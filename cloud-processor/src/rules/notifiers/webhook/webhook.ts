/**
 * POSTs Alertmanager's webhook payload, version 4 (prometheus.io/docs/alerting/latest/configuration, `webhook_config`), so
 * that what takes Alertmanager's messages takes ours. One alert a message; the header `Idempotency-Key` is the
 * notification's key, percent-encoded where it is not ASCII, and the same in every repeat.
 *
 *     2xx                         taken
 *     4xx other than 408 and 429  refused: NOTIFY_REFUSED
 *     anything else, or nothing   NOTIFY_UNREACHABLE
 */
import { createHash } from 'node:crypto'
import type { AlarmRecord, NotificationRecord } from '@millrace/contract'
import { MillraceError, readSecret } from '@millrace/platform'
import { z } from 'zod'
import type { NotifierPlugin } from '../notifier.ts'

const schema = z.strictObject({
  kind: z.literal('webhook'),
  name: z.string().min(1).max(100).default('webhook').describe('Unique among the receivers; `receiver` in the payload.'),
  url: z.url({ protocol: /^https?$/ }).describe('Where to POST.'),
  headers: z.record(z.string(), z.string()).default({}).describe('Further headers. Not for secrets: see tokenFile.'),
  tokenFile: z.string().optional().describe('File with a bearer token, read at every sending so that it can rotate.'),
})
type WebhookConfig = z.infer<typeof schema>

export const webhook: NotifierPlugin<WebhookConfig> = {
  kind: 'webhook',
  schema,
  create: (config, { target }) => ({
    async send(notification, signal) {
      const status = await post(config, target, notification, signal)
      if (status >= 200 && status < 300) return
      const isRefused = status >= 400 && status < 500 && status !== 408 && status !== 429
      throw new MillraceError(isRefused ? 'NOTIFY_REFUSED' : 'NOTIFY_UNREACHABLE', { target, detail: `HTTP ${status}` })
    },
  }),
}

async function post(
  config: WebhookConfig,
  target: string,
  notification: NotificationRecord,
  signal: AbortSignal,
): Promise<number> {
  try {
    const token = config.tokenFile === undefined ? undefined : readSecret(config.tokenFile, `${target}.tokenFile`)
    const response = await fetch(config.url, {
      method: 'POST',
      redirect: 'manual',
      signal,
      headers: {
        ...config.headers,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        'content-type': 'application/json',
        'idempotency-key': encodeURI(notification.key.toWellFormed()),
      },
      body: JSON.stringify(payloadOf(notification.alarm, target)),
    })
    await response.body?.cancel()
    return response.status
  } catch (cause) {
    throw new MillraceError('NOTIFY_UNREACHABLE', { target, detail: detailOf(cause) }, cause)
  }
}

/** Alertmanager's payload of one alert in a group of its own. */
function payloadOf(alarm: AlarmRecord, receiver: string) {
  const labels = {
    alertname: alarm.rule,
    severity: alarm.priority,
    subject: alarm.subject,
    device: alarm.device,
    channel: alarm.channel,
    type: alarm.technical ? 'technical' : 'physiological',
  }
  const annotations = {
    summary: alarm.text,
    alarm: alarm.id,
    ...(alarm.value === undefined ? {} : { value: `${alarm.value}`, unit: alarm.unit ?? '1' }),
    ...(alarm.note === undefined ? {} : { note: alarm.note }),
  }
  const status = alarm.active ? 'firing' : 'resolved'
  return {
    version: '4',
    groupKey: `{}:{alarm=${JSON.stringify(alarm.id)}}`,
    truncatedAlerts: 0,
    status,
    receiver,
    groupLabels: { alertname: alarm.rule },
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: '',
    alerts: [
      {
        status,
        labels,
        annotations,
        startsAt: new Date(alarm.raisedMs).toISOString(),
        // Alertmanager's way of saying "not yet".
        endsAt: alarm.clearedMs === undefined ? '0001-01-01T00:00:00Z' : new Date(alarm.clearedMs).toISOString(),
        generatorURL: '',
        fingerprint: createHash('sha256').update(alarm.id).digest('hex').slice(0, 16),
      },
    ],
  }
}

/** fetch says only "fetch failed"; the reason is inside. */
function detailOf(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message?: string }
  return cause?.code ?? cause?.message ?? message ?? `${error}`
}
