/** Which readings of a message that was rejected in part a replay uses. */
import type { Columns, Tally } from '@millrace/contract'
import { keepOnly } from '../rejections/columns.ts'
import { type IdentitiesOf, isRecord, type Problem } from '../rejections/problems.ts'

/**
 * Leaves only the readings that were rejected before and are not again (in place), and returns their identities. Each is taken
 * once; a message that has two readings of one channel and time cannot say which of them it was.
 */
export function keepRejected(
  columns: Columns,
  before: Set<string>,
  stillBad: Problem[],
  identitiesOf: IdentitiesOf,
): Set<string> {
  const wanted = new Set(before)
  for (const { identity } of stillBad) wanted.delete(identity)
  const taken = new Set<string>()
  const take = (name: string, t: number) => {
    const identity = identitiesOf(name, t).find((one) => (isRecord(one) ? wanted.has(one) : wanted.delete(one)))
    if (identity !== undefined) taken.add(identity)
    return identity !== undefined
  }
  keepOnly(columns, { isReadingKept: take, isSegmentKept: (name, { t }) => take(name, t), isAbsenceKept: take })
  return taken
}

/** What is rejected still; what is out of time was taken, but not used. */
export function stillRejected(before: Set<string>, taken: Set<string>, outOfTime: Problem[]): string[] {
  const unused = new Set(outOfTime.map(({ identity }) => identity))
  return [...before].filter((identity) => !taken.has(identity) || unused.has(identity))
}

/** Problems that a replay found in records that nothing could be used of before. */
export function newlyFound(before: Set<string>, problems: Problem[]): Problem[] {
  return problems.filter(({ identity }) => !before.has(identity) && before.has(identity.slice(identity.lastIndexOf('#'))))
}

/** Of what a replay took, that which was counted as rejected. */
export function countedBefore({ channels, waves }: Columns, before: Set<string>, identitiesOf: IdentitiesOf): Tally {
  const wasCounted = (name: string, t: number) => identitiesOf(name, t).some((one) => before.has(one) && !isRecord(one))
  const tally: Tally = [0, 0]
  for (const [name, { t }] of Object.entries(channels)) for (const at of t) if (wasCounted(name, at)) tally[0]++
  for (const [name, segments] of Object.entries(waves))
    for (const { t, v } of segments) if (wasCounted(name, t)) tally[1] += v.length
  return tally
}
