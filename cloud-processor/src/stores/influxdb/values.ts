/** What a row of a reading holds, as the device gave it. */
import type { Value } from '@millrace/contract'
import type { Row } from './dialects/index.ts'
import type { Physical } from './physical.ts'
import { revisionTag } from './schema.ts'

export function givenValue(values: Row['values'], physical: Physical): Value {
  if (values.raw !== undefined) return values.raw
  if (typeof values.value === 'number') return physical.toRaw(values.value)
  return values.text ?? Boolean(values.flag)
}

/** Of rows of one time, and of one `identity`, only that of the highest revision. Rows are in order of time. */
export function withoutRevisions(rows: Row[], identity?: (row: Row) => string): Row[] {
  if (!rows.some(({ values }) => values[revisionTag] !== undefined)) return rows
  const best = new Map<string | number, Row>()
  for (const row of rows) {
    const key = identity ? `${row.us}\n${identity(row)}` : row.us
    const known = best.get(key)
    if (!known || revision(row) > revision(known)) best.set(key, row)
  }
  return [...best.values()]
}

const revision = ({ values }: Row) => Number(values[revisionTag] ?? 0)
