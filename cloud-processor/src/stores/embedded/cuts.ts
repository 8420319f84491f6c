/** Works the ledger out at a cut, in the order of the timeline, when the store's counts are those of exactly that place. */
import type { DatabaseSync } from 'node:sqlite'
import type { CutRecord } from '@millrace/contract'
import { lostAt } from '../accounting/damage.ts'
import { addRow, earlier, emptyRow, isSettled, rowOf } from '../accounting/ledger.ts'
import type { LedgerRow } from '../store.ts'
import type { Counts, StreamCount } from './counts.ts'
import type { Damages } from './damages.ts'
import type { Devices } from './devices.ts'
import { dayMs } from './file.ts'
import type { Device } from './hours.ts'

/** Old streams summed at one cut, at most: an agent that starts often must not make one transaction long. */
const sumsMax = 4

export interface CutContext {
  devices: Devices
  counts: Counts
  damages: Damages
}

type CutOf = Parameters<typeof rowOf>[0]

export function createCuts(db: DatabaseSync, { devices, counts, damages }: CutContext) {
  const { find, put, drop, date, unsettle, old } = prepare(db)

  const rowAt = (stream: string, device: number) => {
    const found = find.get(stream, device) as { atMs: number; body: string } | undefined
    return found && { atMs: found.atMs, row: JSON.parse(found.body) as LedgerRow }
  }

  /** What the reader sums at each question (ledger.ts) becomes one row for good. */
  function sumOld(beforeMs: number): void {
    for (const { stream, device, body } of old.all(beforeMs) as { stream: string; device: number; body: string }[]) {
      const row: LedgerRow = JSON.parse(body)
      if (hasMore(row, counts.stream(row.stream, device))) unsettle.run(stream, device)
      else {
        const sum = addRow(rowAt(earlier, device)?.row ?? emptyRow(row), row)
        counts.rename(stream, device, earlier)
        damages.forget(stream, device)
        drop.run(stream, device)
        put.run(earlier, device, 0, 0, JSON.stringify(sum))
      }
    }
  }

  /** With what damage of the log took, which is told once and counted in every cut from there on. */
  function rowWithLost(cut: CutOf, device: Device, atMs: number): LedgerRow {
    const counted = counts.stream(cut.stream, device.id)
    const known = damages.lostOf(cut.stream, device.id)
    const row = rowOf(cut, { ...counted, lost: known })
    if (!damages.any()) return row
    const before = rowAt(cut.stream, device.id)
    const found = lostAt(row, before && { difference: before.row.difference, atMs: before.atMs }, damages.all(), atMs)
    if (!found) return row
    return rowOf(cut, { ...counted, lost: damages.add(cut.stream, device, found) })
  }

  return {
    /** Cuts that came before the first tick after a start had no time yet, and are not old. */
    date: (atMs: number): void => void date.run(atMs, earlier),
    put({ node, stream, through, closed, devices: cuts }: CutRecord, atMs: number): void {
      for (const name in cuts) {
        const device = devices.of(name)
        const { edge, evicted, rejected, forwarded, ahead } = cuts[name]!
        const cut = { node, device: name, stream, through, closed, counts: { edge, evicted, rejected, forwarded, ahead } }
        const row = rowWithLost(cut, device, atMs)
        put.run(stream, device.id, isSettled(row) ? 1 : 0, atMs, JSON.stringify(row))
      }
      sumOld(atMs - dayMs)
    },
    /** After counts of a stream moved: one that is closed has no later cut to say so. */
    refresh(stream: string, device: number): void {
      const found = rowAt(stream, device)
      if (!found?.row.closed) return
      const row = rowOf(found.row, counts.stream(stream, device))
      put.run(stream, device, stream !== earlier && isSettled(row) ? 1 : 0, found.atMs, JSON.stringify(row))
    },
  }
}

/** Against the promise something came after the stream was closed: its row stays, to be seen. */
function hasMore(row: LedgerRow, now: StreamCount): boolean {
  return ([0, 1] as const).some(
    (k) => row.stored[k] !== now.stored[k] || row.collapsed[k] !== now.collapsed[k] || row.expired[k] !== now.expired[k],
  )
}

export type Cuts = ReturnType<typeof createCuts>

function prepare(db: DatabaseSync) {
  return {
    find: db.prepare('SELECT atMs, body FROM cuts WHERE stream = ? AND device = ?'),
    put: db.prepare('INSERT OR REPLACE INTO cuts VALUES (?, ?, ?, ?, ?)'),
    drop: db.prepare('DELETE FROM cuts WHERE stream = ? AND device = ?'),
    date: db.prepare('UPDATE cuts SET atMs = ? WHERE atMs = 0 AND stream <> ?'),
    unsettle: db.prepare('UPDATE cuts SET settled = 0 WHERE stream = ? AND device = ?'),
    old: db.prepare(
      `SELECT stream, device, body FROM cuts WHERE settled = 1 AND atMs > 0 AND atMs < ? ORDER BY atMs LIMIT ${sumsMax}`,
    ),
  }
}
