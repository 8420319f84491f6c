/**
 * The entries of the node itself: gap, ledger and alarm records.
 *
 * A ledger record tells, besides the counts, the *floor* of every stream: the lowest number that may still be sent, or of
 * which something is still to be told (a gap that waits or is not receipted, a closing record). Below it all is settled.
 */
import type { LedgerRecord } from '@millrace/contract'
import { encodeContent } from './content.ts'
import { type Draft, put } from './draft.ts'
import type { Entry, EntryKind } from './entry.ts'
import { gapFloors, gapRecords } from './gap.ts'
import { keys, type OpenStream } from './records.ts'
import type { Work } from './work.ts'

/** An entry of the node itself, without readings. */
function putText(draft: Draft, kind: Exclude<EntryKind, 'data'>, text: string, guard?: Entry['guard']): void {
  const { nowMs } = draft
  const of = { kind, device: '', declaration: '', count: 0, samples: 0, before: 0, guard }
  const payload = encodeContent({ text })
  put(draft, { ...of, first: nowMs, last: nowMs, createdMs: nowMs, payload }, { text })
}

/** Numbered before the batches of which they were made. */
export function putAlarms(draft: Draft, { alarms }: Work): void {
  for (const text of alarms) putText(draft, 'alarm', text)
}

export function putAgain(draft: Draft, again: Work['again']): void {
  for (const { kind, text, guard } of again) putText(draft, kind, text, guard)
}

export function putGaps(draft: Draft): void {
  for (const record of gapRecords(draft.run.gap))
    putText(draft, 'gap', JSON.stringify(record), { stream: record.stream, number: record.numbers[0]![0] })
  draft.run.gap = []
}

/** Last in the transaction: `through` is the number before the record's own, and everything up to it is counted in it. */
export function putLedgers(draft: Draft, { ledger, closing }: Work): void {
  const { run, transaction } = draft
  const closed = run.open
  run.open = []
  const due = closing ? run.uncounted || run.last > 0 : run.uncounted && ledger
  if (closed.length === 0 && !due) return
  const floors = Object.fromEntries(findFloors(draft, closed))
  const backlog = { rows: draft.rows, bytes: draft.bytes }
  const textOf = (of: OpenStream, isClosed: boolean) => JSON.stringify({ ...ledgerRecord(of, floors, isClosed), backlog })
  for (const open of closed) {
    const { stream, last, counts } = open
    putText(draft, 'ledger', textOf(open, true), { stream, number: last + 1 })
    for (const device of counts.keys()) transaction.set.set(keys.counts(stream, device), undefined)
    transaction.set.set(keys.stream(stream), undefined)
  }
  if (!due) return
  putText(draft, 'ledger', textOf(run, closing))
  run.uncounted = false
}

function ledgerRecord({ stream, last, counts }: OpenStream, floors: Record<string, number>, closed: boolean): LedgerRecord {
  const record: LedgerRecord = { f: 1, stream, through: last, devices: Object.fromEntries(counts), floors }
  return closed ? { ...record, closed } : record
}

/** The lowest number of each stream that may still be sent, or of which something is still to be told. */
function findFloors({ run, put, gone, shelf }: Draft, closed: OpenStream[]): Map<string, number> {
  const floors = new Map([[run.stream, run.last + 1]])
  const lower = (stream: string, number: number) => floors.set(stream, Math.min(number, floors.get(stream) ?? number))
  for (const stream of shelf.streams()) {
    const number = shelf.floor(stream, gone)
    if (number !== undefined) lower(stream, number)
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
