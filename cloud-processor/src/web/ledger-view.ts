/** The ledger for people: the store's rows summed by device and over all, with what is in flight as measured. */
import { addTally, derivedStream, type Tally } from '@millrace/contract'
import type { LedgerRow, StoreReader } from '../stores/store.ts'
import type { LedgerSum, LedgerView, PipelineStatus } from './wire.ts'

const terms = ['read', 'stored', 'filtered', 'rejected', 'evicted', 'collapsed', 'expired', 'difference', 'ahead'] as const

export async function readLedger(store: StoreReader, status: PipelineStatus, atMs: number): Promise<LedgerView> {
  const [rows, stored] = await Promise.all([store.ledger(), store.totals()])
  return { atMs, rows, stored, ...sumLedger(rows), inFlight: inFlight(status) }
}

/** What was computed is summed apart: nothing was read for it. */
export function sumLedger(rows: LedgerRow[]): Pick<LedgerView, 'total' | 'devices' | 'derived' | 'balanced'> {
  const total = emptySum()
  const derived = emptySum()
  const devices = new Map<string, LedgerView['devices'][number]>()
  for (const row of rows) {
    if (row.stream === derivedStream) {
      addRow(derived, row)
      if (!zero(row.difference)) derived.balanced = false
      continue
    }
    let device = devices.get(row.device)
    if (!device) {
      device = { device: row.device, node: row.node, streams: 0, ...emptySum() }
      devices.set(row.device, device)
    }
    device.streams++
    addRow(device, row)
    addRow(total, row)
    // Two rows that are off by +1 and -1 are two faults, not none.
    if (!zero(row.difference)) total.balanced = device.balanced = false
  }
  const sorted = [...devices.values()].sort((a, b) => (a.device < b.device ? -1 : 1))
  return { total, devices: sorted, derived, balanced: total.balanced && derived.balanced }
}

function addRow(sum: LedgerSum, { counts, stored, collapsed, expired, difference }: LedgerRow): void {
  addTally(sum.read, counts.edge.read)
  addTally(sum.stored, stored)
  addTally(sum.filtered, counts.edge.filtered)
  addTally(sum.rejected, counts.edge.rejected)
  addTally(sum.rejected, counts.rejected)
  addTally(sum.evicted, counts.evicted)
  addTally(sum.collapsed, collapsed)
  addTally(sum.expired, expired)
  addTally(sum.difference, difference)
  addTally(sum.ahead, counts.ahead)
}

function emptySum(): LedgerSum {
  const sum = Object.fromEntries(terms.map((term) => [term, [0, 0] as Tally])) as Record<(typeof terms)[number], Tally>
  return { ...sum, balanced: true }
}

function zero([readings, samples]: Tally): boolean {
  return readings === 0 && samples === 0
}

function inFlight({ nodes, stages }: PipelineStatus): LedgerView['inFlight'] {
  return {
    outboxRows: nodes.reduce((sum, node) => sum + (node.backlogRows ?? 0), 0),
    logRecords: stages.reduce((sum, stage) => sum + stage.lagRecords, 0),
  }
}
