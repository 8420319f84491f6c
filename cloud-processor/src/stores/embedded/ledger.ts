/** Closed streams that are long settled are summed, so that the ledger stays as long as there are devices, not restarts. */
import { addTally, emptyEdgeCounts, type Tally } from '@millrace/contract'
import type { LedgerRow } from '../store.ts'

const earlier = 'earlier'

/** Rows whose ledger does not close are kept apart: a sum would hide them. */
export function sumEarlier(rows: { row: LedgerRow; atMs: number }[], beforeMs: number): LedgerRow[] {
  const kept: LedgerRow[] = []
  const sums = new Map<string, LedgerRow>()
  for (const { row, atMs } of rows) {
    const isOpen = !row.closed || atMs >= beforeMs || [...row.difference, ...row.counts.ahead].some((n) => n !== 0)
    if (isOpen) kept.push(row)
    else add(sums, row)
  }
  return [...kept, ...sums.values()]
}

function add(sums: Map<string, LedgerRow>, row: LedgerRow): void {
  let sum = sums.get(row.device)
  if (!sum) {
    sum = emptyRow(row)
    sums.set(row.device, sum)
  }
  for (const name of ['read', 'filtered', 'rejected', 'evicted', 'frames'] as const)
    addTally(sum.counts.edge[name], row.counts.edge[name])
  for (const name of ['evicted', 'rejected', 'forwarded'] as const) addTally(sum.counts[name], row.counts[name])
  addTally(sum.stored, row.stored)
  addTally(sum.collapsed, row.collapsed)
}

function emptyRow({ node, device }: LedgerRow): LedgerRow {
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
    difference: zero(),
  }
}
