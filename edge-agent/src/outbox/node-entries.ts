/**
 * The entries of the node itself: gap records and ledger records.
 *
 * A ledger record tells, besides the counts, the *floor* of every stream: the lowest number that may still be sent, or of
 * which something is still to be told (a gap that waits or is not receipted, a closing record). Below it all is settled.
 */
import type { EdgeCounts, LedgerRecord } from '@millrace/contract'
import { encodeContent } from './content.ts'
import { gapFloors, gapRecords } from './gap.ts'
import { type Around, type Draft, type NewEntry, put, type Work } from './plan.ts'
import { keys, type OpenStream } from './records.ts'
import type { Shelf } from './shelf.ts'

/** An entry of the node itself, without readings. */
export function node(kind: 'ledger' | 'gap', text: string, { nowMs }: Around): NewEntry {
  const payload = encodeContent({ text })
  return {
    kind,
    device: '',
    declaration: '',
    count: 0,
    samples: 0,
    first: nowMs,
    last: nowMs,
    createdMs: nowMs,
    before: 0,
    payload,
  }
}

export function putGaps(draft: Draft, around: Around): void {
  for (const record of gapRecords(draft.run.gap)) {
    const text = JSON.stringify(record)
    const guard = { stream: record.stream, number: record.numbers[0]![0] }
    put(draft, { ...node('gap', text, around), guard }, { text })
  }
  draft.run.gap = []
}

/** Last in the transaction: `through` is the number before the record's own, and everything up to it is counted in it. */
export function putLedgers(draft: Draft, shelf: Shelf, { ledger, closing }: Work, around: Around): void {
  const { run } = draft
  const closed = run.open
  run.open = []
  const due = closing ? run.uncounted || run.last > 0 : run.uncounted && ledger
  if (closed.length === 0 && !due) return
  const floors = findFloors(draft, shelf, closed)
  const backlog = { rows: shelf.size - draft.gone.size + draft.put.length, bytes: draft.bytes }
  for (const { stream, last, counts } of closed) {
    const text = JSON.stringify({ ...ledgerRecord(stream, last, counts, floors, true), backlog })
    put(draft, { ...node('ledger', text, around), guard: { stream, number: last + 1 } }, { text })
    for (const device of counts.keys()) draft.transaction.set.set(keys.counts(stream, device), undefined)
    draft.transaction.set.set(keys.stream(stream), undefined)
  }
  if (!due) return
  const text = JSON.stringify({ ...ledgerRecord(run.stream, run.last, run.counts, floors, closing), backlog })
  put(draft, node('ledger', text, around), { text })
  run.uncounted = false
}

function ledgerRecord(
  stream: string,
  through: number,
  counts: Map<string, EdgeCounts>,
  floors: Map<string, number>,
  closed: boolean,
): LedgerRecord {
  const record: LedgerRecord = { f: 1, stream, through, devices: Object.fromEntries(counts), floors: Object.fromEntries(floors) }
  return closed ? { ...record, closed } : record
}

/** The lowest number of each stream that may still be sent, or of which something is still to be told. */
function findFloors({ run, put, gone }: Draft, shelf: Shelf, closed: OpenStream[]): Map<string, number> {
  const floors = new Map([[run.stream, run.last + 1]])
  const lower = (stream: string, number: number) => floors.set(stream, Math.min(number, floors.get(stream) ?? number))
  for (const stream of shelf.streams()) {
    const first = shelf.first(stream, gone)
    if (first) lower(stream, first.number)
  }
  for (const { guard } of shelf.guards()) if (guard) lower(guard.stream, guard.number)
  for (const { entry } of put) {
    lower(entry.stream, entry.number)
    if (entry.guard) lower(entry.guard.stream, entry.guard.number)
  }
  for (const { stream, last } of closed) lower(stream, last + 1)
  for (const [stream, number] of gapFloors(run.gap)) lower(stream, number)
  return floors
}
