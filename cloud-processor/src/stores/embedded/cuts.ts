/** Works the ledger out at a cut, in the order of the timeline, when the store's counts are those of exactly that place. */
import type { DatabaseSync } from 'node:sqlite'
import type { CutRecord, Tally } from '@millrace/contract'
import type { LedgerRow } from '../store.ts'
import type { createCounts } from './counts.ts'
import type { Devices } from './devices.ts'

export function createCuts(db: DatabaseSync, devices: Devices, counts: ReturnType<typeof createCounts>) {
  const put = db.prepare('INSERT OR REPLACE INTO cuts VALUES (?, ?, ?, ?, ?, ?, ?)')
  return ({ node, stream, through, closed, devices: cuts }: CutRecord, atMs: number): void => {
    for (const name in cuts) {
      const device = devices.of(name)
      const { edge, evicted, rejected, forwarded, ahead } = cuts[name]!
      const now = counts.stream(stream, device.id)
      // What lies ahead is on the timeline before this record, but belongs above the cut.
      const stored = each((k) => now.stored[k] - ahead[k])
      const collapsed: Tally = [...now.collapsed]
      const difference = each(
        (k) => edge.read[k] - stored[k] - edge.filtered[k] - edge.rejected[k] - rejected[k] - evicted[k] - collapsed[k],
      )
      const row: LedgerRow = {
        node,
        device: name,
        stream,
        through,
        closed,
        counts: { edge, evicted, rejected, forwarded, ahead },
        stored,
        collapsed,
        difference,
      }
      put.run(stream, device.id, node, through, closed ? 1 : 0, atMs, JSON.stringify(row))
    }
  }
}

const each = (of: (k: 0 | 1) => number): Tally => [of(0), of(1)]
