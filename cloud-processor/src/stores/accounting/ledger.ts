/** Rows of the ledger. Closed streams that are long settled are summed, so that it stays as long as there are devices, not restarts. */
import { addTally, emptyEdgeCounts, type Tally } from '@millrace/contract'
import type { LedgerRow } from '../store.ts'

/** The stream under which they are summed. */
export const earlier = 'earlier'

type Cut = Pick<LedgerRow, 'node' | 'device' | 'stream' | 'through' | 'closed' | 'counts'>
/** `rejected`: what the store itself would not take; it is added to what `prepare` rejected. `lost`: see damage.ts; it is added to what was evicted. */
type Counted = Pick<LedgerRow, 'stored' | 'collapsed' | 'expired'> & { rejected?: Tally; lost?: Tally }

/** The row of a cut, when the store has counted this of its stream. */
export function rowOf({ node, device, stream, through, closed, counts: given }: Cut, counted: Counted): LedgerRow {
  const { edge, ahead } = given
  const rejected = each((k) => given.rejected[k] + (counted.rejected?.[k] ?? 0))
  const evicted = each((k) => given.evicted[k] + (counted.lost?.[k] ?? 0))
  const counts = counted.rejected || counted.lost ? { ...given, rejected, evicted } : given
  // What lies ahead is on the timeline before the cut's record, but belongs above the cut. It may have expired already.
  const stored = each((k) => Math.max(0, counted.stored[k] - ahead[k]))
  const expired = each((k) => counted.expired[k] + counted.stored[k] - ahead[k] - stored[k])
  const collapsed: Tally = [...counted.collapsed]
  const difference = each(
    (k) =>
      edge.read[k] - (stored[k] + edge.filtered[k] + edge.rejected[k] + rejected[k] + evicted[k] + collapsed[k] + expired[k]),
  )
  return { node, device, stream, through, closed, counts, stored, collapsed, expired, difference }
}

/** Nothing is to be expected or explained any more. */
export const isSettled = ({ closed, difference, counts }: LedgerRow): boolean =>
  closed && [...difference, ...counts.ahead].every((n) => n === 0)

/** Rows whose ledger does not close are kept apart: a sum would hide them. */
export function sumEarlier(rows: { row: LedgerRow; atMs: number }[], beforeMs: number): LedgerRow[] {
  const kept: LedgerRow[] = []
  const sums = new Map<string, LedgerRow>()
  for (const { row, atMs } of rows) {
    const isOld = atMs < beforeMs && (atMs > 0 || row.stream === earlier)
    if (isOld && isSettled(row)) sums.set(row.device, addRow(sums.get(row.device) ?? emptyRow(row), row))
    else kept.push(row)
  }
  return [...kept, ...sums.values()]
}

export function addRow(sum: LedgerRow, row: LedgerRow): LedgerRow {
  for (const name of ['read', 'filtered', 'rejected', 'evicted', 'frames'] as const)
    addTally(sum.counts.edge[name], row.counts.edge[name])
  for (const name of ['evicted', 'rejected', 'forwarded'] as const) addTally(sum.counts[name], row.counts[name])
  for (const name of ['stored', 'collapsed', 'expired'] as const) addTally(sum[name], row[name])
  return sum
}

export function emptyRow({ node, device }: LedgerRow): LedgerRow {
  const zero = (): Tally => [0, 0]
  return {
    node,
    device,
    stream: earlier,
    through: 0,
    closed: true,
    counts: { edge: emptyEdgeCounts(), evicted: zero(), rejected: zero(), forwarded: zero(), ahead: zero() },
    stored: zero(),
    collapsed: zero(),
    expired: zero(),
    difference: zero(),
  }
}

const each = (of: (k: 0 | 1) => number): Tally => [of(0), of(1)]
