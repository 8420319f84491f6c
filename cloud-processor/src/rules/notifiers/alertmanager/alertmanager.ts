/**
 * Puts alarms into an Alertmanager (`POST /api/v2/alerts`), which then groups, silences and tells by its own configuration. It takes an
 * alert for over when its `endsAt` has passed and nobody has sent it again: `expireMs` says when that is of an active one.
 */
import type { AlarmRecord } from '@millrace/contract'
import { z } from 'zod'
import { deliver, guarded, httpKeys } from '../http.ts'
import { alarmsPage } from '../message.ts'
import type { Notification, NotifierPlugin } from '../notifier.ts'

const schema = guarded(
  z.strictObject({
    kind: z.literal('alertmanager'),
    name: z.string().min(1).max(100).default('alertmanager').describe('Unique among the receivers.'),
    ...httpKeys,
    url: httpKeys.url.describe('Of the Alertmanager, such as http://127.0.0.1:9093/.'),
    labels: z.record(z.string(), z.string()).default({}).describe('Further labels of every alert.'),
    expireMs: z
      .number()
      .int()
      .min(60_000)
      .max(7 * 86_400_000)
      .default(86_400_000)
      .describe(
        'The Alertmanager takes an alarm for over after this time, unless it is told of it again (`repeatMs` of a route).',
      ),
  }),
)
type Config = z.infer<typeof schema>

export const alertmanager: NotifierPlugin<Config> = {
  kind: 'alertmanager',
  schema,
  create: (config, { target, clock, pageUrl }) => ({
    send: (notification, signal) => {
      const url = `${config.url.replace(/\/$/, '')}/api/v2/alerts`
      const body = alertsOf(notification, config, { nowMs: clock.now(), pageUrl })
      return deliver({ ...config, url }, { target, key: notification.key, body, signal })
    },
  }),
}

function alertsOf({ key, alarm, alarms = [{ key, alarm }] }: Notification, config: Config, when: When) {
  return alarms.map((one) => alertOf(one.alarm, one.key, config, when))
}

interface When {
  nowMs: number
  pageUrl: string | undefined
}

function alertOf(alarm: AlarmRecord, key: string, { labels, expireMs }: Config, { nowMs, pageUrl }: When) {
  const { rule, priority, subject, device, channel, technical, raisedMs, clearedMs, active } = alarm
  const endsMs = active ? nowMs + expireMs : (clearedMs ?? nowMs)
  return {
    labels: {
      ...labels,
      ...{ alertname: rule, severity: priority, subject, device, channel, type: technical ? 'technical' : 'physiological' },
    },
    annotations: {
      ...{ summary: alarm.text, alarm: alarm.id, key },
      ...(alarm.value === undefined ? {} : { value: `${alarm.value}`, unit: alarm.unit ?? '1' }),
    },
    startsAt: new Date(raisedMs).toISOString(),
    endsAt: new Date(endsMs).toISOString(),
    ...(pageUrl === undefined ? {} : { generatorURL: alarmsPage(pageUrl) }),
  }
}
