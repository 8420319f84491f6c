/** Timeline records for the stores' tests: device `d`, stream `s`, times in ms after `t0`. */
import { type Column, encodeJson, type ReadingsRecord, type Segment, type TimelineRecord } from '@millrace/contract'
import type { LogRecord } from '../log/log.ts'

export const t0 = Date.UTC(2026, 9, 1, 12)

export function at(offset: number, record: TimelineRecord, source?: LogRecord['source']): LogRecord {
  return { offset, key: 'd', value: encodeJson(record), timeMs: t0, source }
}

export function column(t: number[], v: Column['v']): Column {
  return { t: t.map((time) => t0 + time), v }
}

export function segment(t: number, i: number, count: number, from = 0): Segment {
  return { t: t0 + t, i, v: Array.from({ length: count }, (_, k) => from + k) }
}

export function readings(channels: Record<string, Column>, waves: Record<string, Segment[]> = {}): ReadingsRecord {
  return { f: 1, k: 'readings', subject: 'd', device: 'd', stream: 's', number: 1, hist: false, receivedMs: t0, channels, waves }
}
