/**
 * Plans one transaction of the outbox: what is put, what goes, and what is said about it, from the durable state and the
 * work that waits. Nothing of the state is changed here: `writer.ts` applies the plan once it is durable, or throws it away.
 *
 * Invariant of every plan, for each device of the stream: read = (readings of all numbers given) + filtered + rejected. What
 * has no room on the disk is given a number all the same, and the number goes into the gap.
 */
import { addStretch, isOtherShape } from '../stretches.ts'
import { addGone, type Draft, free, lose, type Plan, type PlanContext, put, startDraft } from './draft.ts'
import { type Entry, storedBytes } from './entry.ts'
import { evict, evictOld, roomForData } from './eviction.ts'
import { putAgain, putAlarms, putGaps, putLedgers } from './node-entries.ts'
import { keys } from './records.ts'
import type { Dropped, Prepared, Run, Work } from './work.ts'

export function planTransaction(before: Run, work: Work, context: PlanContext): Plan {
  const draft = startDraft(before, work, context)
  const { shelf } = context
  for (const entry of work.freed) if (shelf.has(entry)) free(draft, entry)
  for (const entry of work.aside) if (shelf.has(entry)) lose(draft, 'set-aside', entry)
  for (const entry of work.evict) if (shelf.has(entry)) lose(draft, 'evicted', entry)
  for (const id of work.strangers) draft.transaction.remove.push(id)
  for (const dropped of work.dropped) numberDropped(draft, dropped)
  evictOld(draft)
  putAlarms(draft, work)
  putBatches(draft, work.batches)
  putAgain(draft, work.again)
  if (work.issueGap) putGaps(draft)
  putLedgers(draft, work)
  writeSmall(draft, before, work)
  return draft
}

function numberDropped(draft: Draft, { batches, ...dropped }: Dropped): void {
  const { run } = draft
  const { device } = dropped
  const number = run.last + 1
  run.last += batches
  addGone(draft, 'evicted', { ...dropped, stream: run.stream, number, through: run.last, before: run.before.get(device) ?? 0 })
  run.before.set(device, run.last)
}

function putBatches(draft: Draft, batches: Prepared[]): void {
  const { run } = draft
  const room = roomForData(draft)
  evict(draft, room - batches.reduce((bytes, { payload }) => bytes + storedBytes({ bytes: payload.length } as Entry), 0))
  for (const { content, given, ...batch } of batches) {
    const { device, payload } = batch
    const entry = { kind: 'data' as const, ...batch, before: run.before.get(device) ?? 0 }
    run.before.set(device, run.last + 1)
    if (given) giveTimes(run, device, given)
    if (draft.bytes + payload.length <= room) put(draft, entry, content)
    else addGone(draft, 'evicted', { ...entry, stream: run.stream, number: ++run.last })
  }
}

function giveTimes({ lastMs, given }: Run, device: string, [fromMs, toMs]: [number, number]): void {
  lastMs.set(device, toMs)
  given.set(device, addStretch(given.get(device) ?? [], fromMs, toMs))
}

function writeSmall({ run, transaction, put }: Draft, before: Run, { counts, small, closing }: Work): void {
  const { set } = transaction
  for (const [key, value] of small) set.set(key, value)
  for (const [device, ms] of run.lastMs) if (ms !== before.lastMs.get(device)) set.set(keys.lastMs(device), `${ms}`)
  for (const [device, given] of run.given)
    if (isOtherShape(given, before.given.get(device) ?? [])) set.set(keys.given(device), JSON.stringify(given))
  const gap = JSON.stringify(run.gap)
  if (gap !== JSON.stringify(before.gap)) set.set(keys.gap, run.gap.length === 0 ? undefined : gap)
  const changed = [...run.counts].filter(([device, of]) => of !== before.counts.get(device) || counts.has(device))
  // A stream that is closed by its own last ledger record needs none from its successor.
  const isClosed = closing && put.some(({ entry }) => entry.kind === 'ledger' && entry.guard === undefined)
  if (isClosed) {
    set.set(keys.stream(run.stream), undefined)
    for (const device of run.counts.keys()) set.set(keys.counts(run.stream, device), undefined)
    return
  }
  if (run.last !== before.last || changed.length > 0) set.set(keys.stream(run.stream), `${run.last}`)
  for (const [device, of] of changed) set.set(keys.counts(run.stream, device), JSON.stringify(of))
}
