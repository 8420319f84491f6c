/**
 * What damage of the log has taken. Nobody knows what a record held that cannot be read, and it may have been a message on its
 * way to `prepare` or readings on their way to the store. But the store knows what it has, and a cut says what was read: what a
 * cut finds missing soon after a damage, and did not find missing before, is what the damage took. It joins what was evicted,
 * under a gap with the reason `damaged`.
 */
import type { DamageRecord, Tally } from '@millrace/contract'
import type { LedgerRow } from '../store.ts'

/** When what cannot be read was appended. */
export type Damaged = Pick<DamageRecord, 'fromMs' | 'toMs'>

/** So many are remembered, the newest. */
export const damagesMax = 100

/** What was on its way when the log was damaged is settled by then; from a stream that had no cut before it may take longer. */
const soonMs = 10 * 60_000
const firstCutMs = 86_400_000

interface CutBefore {
  difference: Tally
  /** 0 where it is not known. */
  atMs: number
}

/** What this cut finds missing, and by which damage. `nowMs`: the newest tick; 0 before the first one. */
export function lostAt(row: LedgerRow, before: CutBefore | undefined, damages: Damaged[], nowMs: number) {
  const lost = row.difference.map((missing, k) => Math.max(0, missing - Math.max(0, before?.difference[k] ?? 0))) as Tally
  if (lost[0] + lost[1] === 0) return undefined
  const isRecent = ({ toMs }: Damaged) => (before ? before.atMs <= toMs + soonMs : nowMs <= toMs + firstCutMs)
  const by = damages.findLast(isRecent)
  return by && { lost, by }
}

/** For people. */
export const textOf = ({ topic, partition, from, to, detail }: DamageRecord): string =>
  `The log is damaged: ${topic}/${partition} cannot be read from offset ${from} to ${to - 1} (${detail}).`
