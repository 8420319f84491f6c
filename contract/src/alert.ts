/**
 * An alarm as Alertmanager's webhook payload, version 4 (prometheus.io/docs/alerting/latest/configuration, `webhook_config`), so that
 * what takes Alertmanager's messages takes ours: one alert in a group of its own.
 */
import { createHash } from 'node:crypto'
import type { AlarmRecord } from './records/alarms.ts'

export function alertOf(alarm: AlarmRecord, receiver: string) {
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
