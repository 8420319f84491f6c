/**
 * Plans one transaction of the outbox: what is put, what goes, and what is said about it, from the durable state and the
 * work that waits. Nothing of the state is changed here: `outbox.ts` applies the plan once it is durable, or throws it away.
 *
 * Invariant of every plan, for each device of the stream: read = (readings of all numbers given) + filtered + rejected. What
 * has no room on the disk is given a number all the same, and the number goes into the gap.
 */

import { crc32 } from 'node:zlib'
import { addTally, type EdgeCounts, emptyEdgeCounts } from '@millrace/contract'
import { addStretch, isOtherShape, type Stretches } from '../stretches.ts'
import type { Content } from './content.ts'
import { type Entry, formatEntry, storedBytes } from './entry.ts'
import { evict, evictOld, roomForData } from './eviction.ts'
import { addToGap, type GapReason, type Gone, type PendingGap } from './gap.ts'
import { node, putGaps, putLedgers } from './node-entries.ts'
import type { OutboxOptions } from './options.ts'
import { keys, type OpenStream } from './records.ts'
import type { Shelf } from './shelf.ts'
import { emptyTransaction, type OutboxTransaction } from './storage.ts'

/** The current stream, as it is on the disk. */
export interface Run {
  stream: string
  last: number
  nextId: number
  counts: Map<string, EdgeCounts>
  /** Number of each device's last data entry. */
  before: Map<string, number>
  /** Time of each device's last reading, epoch ms, over all streams. */
  lastMs: Map<string, number>
  /** Where each device's readings have their times, over all streams. */
  given: Map<string, Stretches>
  gap: PendingGap
  /** Earlier streams whose closing ledger record is still to be written. */
  open: OpenStream[]
  /** Counts changed since the last ledger record. */
  uncounted: boolean
}

/** A batch that is encoded and has no number yet. */
export interface Prepared {
  device: string
  declaration: string
  content: Content
  payload: Uint8Array
  count: number
  samples: number
  first: number
  last: number
  createdMs: number
  /** First and last time of its readings. */
  given?: [fromMs: number, toMs: number]
}

/** Batches of one device that had to leave memory before the disk took them. */
export interface Dropped {
  device: string
  batches: number
  count: number
  samples: number
  first: number
  last: number
}

export interface Work {
  dropped: Dropped[]
  batches: Prepared[]
  /** Increments for what `dropped` and `batches` hold, and what was filtered or rejected with them. */
  counts: Map<string, EdgeCounts>
  freed: Entry[]
  aside: Entry[]
  small: Map<string, string | undefined>
  /** Gap and closing ledger records to be put again, after their file was lost. */
  again: { kind: 'gap' | 'ledger'; text: string; guard: Entry['guard'] }[]
  issueGap: boolean
  /** False keeps the counts for later. */
  ledger: boolean
  /** The stream's last transaction. */
  closing: boolean
}

export interface Around {
  options: OutboxOptions
  nowMs: number
  /** Most bytes stored after the transaction. */
  bytesMax: number
}

export interface Plan {
  transaction: OutboxTransaction
  put: { entry: Entry; content: Content }[]
  gone: Set<Entry>
  evicted: number
  /** What the state becomes. */
  run: Run
}

/** The draft that the steps below write into. */
export interface Draft extends Plan {
  /** Bytes stored once the draft is carried out. */
  bytes: number
  lose(reason: GapReason, entry: Entry): void
}

export function planTransaction(before: Run, shelf: Shelf, work: Work, around: Around): Plan {
  const draft = startDraft(before, shelf, work)
  const { transaction } = draft
  for (const entry of work.freed) if (shelf.has(entry)) remove(draft, entry, transaction.remove)
  for (const entry of work.aside) if (shelf.has(entry)) setAside(draft, entry)
  for (const dropped of work.dropped) numberDropped(draft, dropped)
  evictOld(draft, shelf, around)
  putBatches(draft, shelf, work.batches, around)
  for (const { kind, text, guard } of work.again) put(draft, { ...node(kind, text, around), guard }, { text })
  if (work.issueGap) putGaps(draft, around)
  putLedgers(draft, shelf, work, around)
  writeSmall(draft, before, work)
  return draft
}

function startDraft(before: Run, shelf: Shelf, work: Work): Draft {
  const counts = new Map(before.counts)
  for (const [device, more] of work.counts) counts.set(device, addCounts(counts.get(device), more))
  const run: Run = {
    ...before,
    counts,
    before: new Map(before.before),
    lastMs: new Map(before.lastMs),
    given: new Map(before.given),
    gap: structuredClone(before.gap),
    uncounted: before.uncounted || work.counts.size > 0,
  }
  const draft: Draft = {
    run,
    transaction: emptyTransaction(),
    put: [],
    gone: new Set(),
    evicted: 0,
    bytes: shelf.bytes,
    lose(reason, entry) {
      remove(draft, entry, reason === 'evicted' ? draft.transaction.remove : draft.transaction.setAside)
      addGone(draft, reason, entry)
    },
  }
  return draft
}

function remove(draft: Draft, entry: Entry, ids: number[]): void {
  if (draft.gone.has(entry)) return
  draft.gone.add(entry)
  draft.bytes -= storedBytes(entry)
  ids.push(entry.id)
}

function setAside(draft: Draft, entry: Entry): void {
  if (!draft.gone.has(entry)) draft.lose('set-aside', entry)
}

function addGone(draft: Draft, reason: GapReason, gone: Gone): void {
  addToGap(draft.run.gap, reason, gone)
  if (reason !== 'evicted' || gone.device === '') return
  draft.evicted += gone.count
  // The counts of an earlier stream are closed: what is evicted of it is told by the gap alone.
  if (gone.stream !== draft.run.stream) return
  const counts = structuredClone(draft.run.counts.get(gone.device) ?? emptyEdgeCounts())
  addTally(counts.evicted, [gone.count, gone.samples])
  draft.run.counts.set(gone.device, counts)
  draft.run.uncounted = true
}

function numberDropped(draft: Draft, { device, batches, count, samples, first, last }: Dropped): void {
  const { run } = draft
  const number = run.last + 1
  run.last += batches
  const gone = {
    stream: run.stream,
    device,
    number,
    through: run.last,
    before: run.before.get(device) ?? 0,
    count,
    samples,
    first,
    last,
  }
  run.before.set(device, run.last)
  addGone(draft, 'evicted', gone)
}

function putBatches(draft: Draft, shelf: Shelf, batches: Prepared[], around: Around): void {
  const needed = batches.reduce((bytes, { payload }) => bytes + storedBytes({ bytes: payload.length } as Entry), 0)
  evict(draft, shelf, needed, around)
  for (const batch of batches) {
    const { payload, content, given, ...known } = batch
    const entry = { kind: 'data' as const, ...known, before: draft.run.before.get(batch.device) ?? 0, payload }
    const number = draft.run.last + 1
    draft.run.before.set(batch.device, number)
    if (given) giveTimes(draft.run, batch.device, given)
    if (draft.bytes + payload.length <= roomForData(around.bytesMax)) put(draft, entry, content)
    else addGone(draft, 'evicted', { ...entry, stream: draft.run.stream, number: ++draft.run.last })
  }
}

function giveTimes({ lastMs, given }: Run, device: string, [fromMs, toMs]: [number, number]): void {
  lastMs.set(device, toMs)
  given.set(device, addStretch(given.get(device) ?? [], fromMs, toMs))
}

export type NewEntry = Omit<Entry, 'id' | 'stream' | 'number' | 'bytes' | 'crc'> & { payload: Uint8Array }

export function put(draft: Draft, { payload, ...known }: NewEntry, content: Content): Entry {
  const { run } = draft
  const entry: Entry = {
    ...known,
    id: run.nextId++,
    stream: run.stream,
    number: ++run.last,
    bytes: payload.length,
    crc: crc32(payload),
  }
  draft.put.push({ entry, content })
  draft.bytes += storedBytes(entry)
  draft.transaction.put.push({ id: entry.id, meta: formatEntry(entry), payload })
  return entry
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

function addCounts(to: EdgeCounts = emptyEdgeCounts(), more: EdgeCounts): EdgeCounts {
  const sum = structuredClone(to)
  for (const key of ['read', 'filtered', 'rejected', 'evicted', 'frames'] as const) addTally(sum[key], more[key])
  return sum
}
