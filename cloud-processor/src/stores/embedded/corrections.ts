/** Of which readings the times were corrected: a row for each stretch by the same, which grows with the records that touch it. */
import type { DatabaseSync } from 'node:sqlite'
import { type ReadingsRecord, timeSpan } from '@millrace/contract'

/** Records that lie closer are of one stretch. */
const joinMs = 2000

export function createCorrections(db: DatabaseSync) {
  const grow =
    db.prepare(`UPDATE corrections SET fromMs = min(fromMs, ?3), toMs = max(toMs, ?4), uncertaintyMs = max(uncertaintyMs, ?5)
    WHERE id = (SELECT id FROM corrections WHERE device = ?1 AND byMs = ?2 AND toMs >= ?3 - ${joinMs} AND fromMs <= ?4 + ${joinMs} LIMIT 1)`)
  const put = db.prepare('INSERT INTO corrections (device, byMs, fromMs, toMs, uncertaintyMs) VALUES (?1, ?2, ?3, ?4, ?5)')
  return (device: number, { channels, waves, clock }: ReadingsRecord): void => {
    const span = clock && timeSpan({ channels, waves })
    if (!span) return
    const values = [device, clock.byMs, span.first, span.last, clock.uncertaintyMs]
    if (grow.run(...values).changes === 0) put.run(...values)
  }
}
