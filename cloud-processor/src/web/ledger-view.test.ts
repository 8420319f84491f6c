import { emptyEdgeCounts, type Tally } from '@millrace/contract'
import { expect, test } from 'vitest'
import type { LedgerRow, StoreReader } from '../stores/store.ts'
import { readLedger } from './ledger-view.ts'
import type { PipelineStatus } from './wire.ts'

function row(stream: string, read: number, stored: number): LedgerRow {
  const none = (): Tally => [0, 0]
  const counts = {
    edge: { ...emptyEdgeCounts(), read: [read, 0] as Tally },
    evicted: none(),
    rejected: none(),
    forwarded: none(),
    ahead: none(),
  }
  const where = { node: 'n', device: 'bed-1', stream, through: 1, closed: false }
  return { ...where, counts, stored: [stored, 0], collapsed: none(), expired: none(), difference: [read - stored, 0] }
}

async function viewOf(rows: LedgerRow[]) {
  const store = { ledger: async () => rows, totals: async () => ({}) } as unknown as StoreReader
  return await readLedger(store, { nodes: [], stages: [] } as unknown as PipelineStatus, 0)
}

test('readings of derived channels are summed apart from what was read', async () => {
  const view = await viewOf([row('streamone', 5, 5), row('derived', 30, 30)])
  expect([view.total.read, view.devices[0]!.read, view.derived.read]).toEqual([
    [5, 0],
    [5, 0],
    [30, 0],
  ])
  expect(view.balanced).toBe(true)
})

test('the ledger does not close where a derived reading is missing', async () => {
  const view = await viewOf([row('streamone', 5, 5), row('derived', 30, 29)])
  expect([view.balanced, view.total.balanced, view.derived.balanced]).toEqual([false, true, false])
})
