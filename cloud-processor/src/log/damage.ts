/** What stands in the place of records that cannot be read: one record, of their topic's own form, that says so. */
import { type DamageRecord, decodeJson, encodeJson, encodeRaw, topics } from '@millrace/contract'
import { MillraceError } from '@millrace/platform'
import type { Damage, LogRecord } from './log.ts'

/** A reader goes on behind it. */
export function inPlaceOf(damage: Damage): LogRecord {
  const record: DamageRecord = { f: 1, k: 'damage', ...damage }
  const value = damage.topic === topics.raw ? encodeRaw(record) : encodeJson(record)
  return { offset: damage.to - 1, key: '', value, timeMs: damage.toMs, damage }
}

export function damageError(path: string, { topic, partition, from, to, detail }: Damage): MillraceError {
  return new MillraceError('LOG_DAMAGED', { path, topic, partition, from, last: to - 1, detail })
}

export const isSnapshotDamaged = (error: unknown): boolean =>
  error instanceof MillraceError && error.code === 'LOG_SNAPSHOT_DAMAGED'

/** Records of a topic as JSON, for a reader that keeps nothing: what is none is left out, for those behind it. */
export function parsed<T>(records: LogRecord[]): T[] {
  return records.flatMap(({ value }) => {
    try {
      return [decodeJson(value) as T]
    } catch {
      return []
    }
  })
}
