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
import { credentialsInClear, isLinkLocal, keepsCredentials, MillraceError, readSecret } from '@millrace/platform'
import { z } from 'zod'
import type { NotifierPlugin } from '../notifier.ts'
import { post } from './post.ts'

const section = z.strictObject({
  kind: z.literal('webhook'),
  name: z.string().min(1).max(100).default('webhook').describe('Unique among the receivers; `receiver` in the payload.'),
  url: z.url({ protocol: /^https?$/ }).describe('Where to POST.'),
  headers: z.record(z.string(), z.string()).default({}).describe('Further headers. Not for secrets: see tokenFile.'),
  tokenFile: z.string().optional().describe('File with a bearer token, read at every sending so that it can rotate.'),
  insecure: z.boolean().default(false).describe('Sends the token to another machine without TLS: anybody on the way reads it.'),
  allowLinkLocal: z
    .boolean()
    .default(false)
    .describe('POSTs to link-local addresses too, where clouds answer with the credentials of the machine (169.254.0.0/16).'),
})
const schema = section
  .refine(({ tokenFile, ...webhook }) => keepsCredentials(webhook, [tokenFile]), credentialsInClear)
  .refine(({ url, allowLinkLocal }) => allowLinkLocal || !isLinkLocal(new URL(url).hostname), {
    path: ['url'],
    message: 'a link-local or metadata address is not taken for a receiver; if it is one, set allowLinkLocal: true',
  })
type WebhookConfig = z.infer<typeof schema>

export const webhook: NotifierPlugin<WebhookConfig> = {
  kind: 'webhook',
  schema,
  create: (config, { target }) => ({
    async send(notification, signal) {
      const status = await send(config, target, notification, signal)
      if (status >= 200 && status < 300) return
      const isRefused = status >= 400 && status < 500 && status !== 408 && status !== 429
      throw new MillraceError(isRefused ? 'NOTIFY_REFUSED' : 'NOTIFY_UNREACHABLE', { target, detail: `HTTP ${status}` })
    },
  }),
}

async function send(
  { url, headers, tokenFile, allowLinkLocal }: WebhookConfig,
  target: string,
  notification: NotificationRecord,
  signal: AbortSignal,
): Promise<number> {
  try {
    const token = tokenFile === undefined ? undefined : readSecret(tokenFile, `${target}.tokenFile`)
    const own = {
      ...headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      'content-type': 'application/json',
      'idempotency-key': encodeURI(notification.key.toWellFormed()),
    }
    return await post({ url, headers: own, body: JSON.stringify(payloadOf(notification.alarm, target)), signal, allowLinkLocal })
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

/** The code says it in a word; a refused address has none. */
function detailOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  return code ?? message ?? `${error}`
}
