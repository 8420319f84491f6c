/** Records for the tests of document stores. Apart from the suite, so that a process to be killed can make them too. */
import { type AlarmTopicRecord, encodeJson, type RejectedRecord, type Source, type TimelineRecord } from '@millrace/contract'
import type { LogRecord } from '../../log/log.ts'

export const t0 = Date.UTC(2026, 9, 1, 12)

export const source = (offset: number, index = 0, log = 'log-a'): Source => ({ log, partition: 0, offset, index })

export function logged(
  offset: number,
  record: TimelineRecord | RejectedRecord | AlarmTopicRecord,
  from: Source | undefined = source(offset),
): LogRecord {
  return { offset, key: 'd', value: encodeJson(record), timeMs: t0, ...(from ? { source: from } : {}) }
}

/** What the writer process writes at an offset, so that the suite can write it again. */
export function eventAt(offset: number): LogRecord {
  return logged(offset, event(`event ${offset}`))
}

export const event = (text: string, atMs = t0): TimelineRecord => ({
  ...{ f: 1, k: 'event', subject: 'patient 1', device: 'bed-1', atMs, level: 'warn', code: 'BUS_UNPLUGGED', text },
})
