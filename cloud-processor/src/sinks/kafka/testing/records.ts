/** Records for this sink's tests. Apart from the suites, so that a process to be killed can make them too. */
import { type AlarmRecord, type AlarmTopicRecord, encodeJson, type TimelineRecord } from '@millrace/contract'
import type { LogRecord } from '../../../log/log.ts'

export const t0 = Date.UTC(2026, 9, 1, 12)

export function logged(offset: number, record: TimelineRecord | AlarmTopicRecord): LogRecord {
  const source = { log: 'log-a', partition: 0, offset, index: 0 }
  return { offset, key: 'patient 1', value: encodeJson(record), timeMs: t0 + 500, source }
}

export const declaration: TimelineRecord = {
  ...{ f: 1, k: 'declaration', subject: 'patient 1', device: 'bed-1', node: 'ward/gateway' },
  channels: [
    { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%', code: 'loinc:59408-5' },
    { name: 'temperature', kind: 'number', datatype: 'Int16', unit: 'Cel', scale: 0.1 },
    { name: 'pleth', kind: 'waveform', datatype: 'Int16Array', unit: 'mV', scale: 0.001, offset: -1, intervalMs: 20 },
  ],
}

export const readings = (channels: object, waves: object = {}): TimelineRecord =>
  ({ f: 1, k: 'readings', subject: 'patient 1', device: 'bed-1', hist: false, receivedMs: t0, channels, waves }) as TimelineRecord

export const alarm = (more: Partial<AlarmRecord> = {}): AlarmRecord => ({
  ...{ f: 1, k: 'alarm', id: `low/bed-1/spo2/${t0}`, rule: 'low', subject: 'patient 1', device: 'bed-1', channel: 'spo2' },
  ...{ priority: 'high', change: 'raised', active: true, acknowledged: false, retrospective: false, technical: false },
  ...{ atMs: t0, raisedMs: t0, value: 84, unit: '%', text: 'SpO2 84 % below 88 %' },
  ...more,
})

/** What the writer process writes at an offset, so that the suite can write it again. */
export const readingAt = (offset: number): LogRecord => logged(offset, readings({ spo2: { t: [t0 + offset], v: [offset] } }))
