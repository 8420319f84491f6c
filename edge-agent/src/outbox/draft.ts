/** The transaction as it is being planned. The steps write into it; nothing of the state changes. */
import { crc32 } from 'node:zlib'
import { emptyEdgeCounts, type Tally } from '@millrace/contract'
import type { Content } from './content.ts'
import { type Entry, formatEntry, storedBytes } from './entry.ts'
import { addToGap, type GapReason, type Gone, joinGap } from './gap.ts'
import type { OutboxOptions } from './options.ts'
import type { Page } from './page.ts'
import type { Shelf } from './shelf.ts'
import { emptyTransaction, type OutboxTransaction } from './storage.ts'
import { addCounts, type Run, type Work } from './work.ts'

export interface PlanContext {
  shelf: Shelf
  options: OutboxOptions
  nowMs: number
  /** Most bytes stored after the transaction. */
  bytesMax: number
}

export interface Plan {
  transaction: OutboxTransaction
  put: { entry: Entry; content: Content }[]
  /** Entries known one by one, and whole pages. */
  gone: Set<Entry | Page>
  evicted: number
  /** What the state becomes. */
  run: Run
}

export interface Draft extends Plan, PlanContext {
  /** Bytes and entries stored once the draft is carried out. */
  bytes: number
  rows: number
}

export function startDraft(before: Run, { counts: increments }: Work, context: PlanContext): Draft {
  const counts = new Map(before.counts)
  for (const [device, more] of increments) addCounts(counts, device, more)
  const run: Run = {
    ...before,
    counts,
    before: new Map(before.before),
    lastMs: new Map(before.lastMs),
    given: new Map(before.given),
    gap: structuredClone(before.gap),
    uncounted: before.uncounted || increments.size > 0,
  }
  const { bytes, size: rows } = context.shelf
  return { ...context, run, transaction: emptyTransaction(), put: [], gone: new Set(), evicted: 0, bytes, rows }
}

/** Receipted: it leaves without a word. */
export function free(draft: Draft, entry: Entry): void {
  remove(draft, entry, draft.transaction.remove)
}

/** It leaves without a receipt, and the gap names it. */
export function lose(draft: Draft, reason: GapReason, entry: Entry): void {
  if (draft.gone.has(entry)) return
  remove(draft, entry, reason === 'evicted' ? draft.transaction.remove : draft.transaction.setAside)
  addGone(draft, reason, entry)
}

/** All that a page stands for is evicted. */
export function losePage(draft: Draft, page: Page): void {
  if (draft.gone.has(page)) return
  const { run, shelf, transaction } = draft
  draft.gone.add(page)
  draft.bytes -= page.bytes
  draft.rows -= page.entries
  transaction.removeBetween.push({ firstId: page.firstId, lastId: page.lastId, except: shelf.apartFrom(page) })
  joinGap(run.gap, page.lost)
  for (const { stream, devices } of page.lost)
    for (const [device, { lost }] of Object.entries(devices)) countEvicted(draft, stream, device, lost)
}

function remove(draft: Draft, entry: Entry, ids: number[]): void {
  if (draft.gone.has(entry)) return
  draft.gone.add(entry)
  draft.bytes -= storedBytes(entry)
  draft.rows--
  ids.push(entry.id)
}

export function addGone(draft: Draft, reason: GapReason, gone: Gone): void {
  addToGap(draft.run.gap, reason, gone)
  if (reason === 'evicted' && gone.device !== '') countEvicted(draft, gone.stream, gone.device, [gone.count, gone.samples])
}

function countEvicted(draft: Draft, stream: string, device: string, lost: Tally): void {
  const { run } = draft
  draft.evicted += lost[0]
  // The counts of an earlier stream are closed: only the gap reports what is evicted of it.
  if (stream !== run.stream) return
  addCounts(run.counts, device, { ...emptyEdgeCounts(), evicted: [...lost] })
  run.uncounted = true
}

export type NewEntry = Omit<Entry, 'id' | 'stream' | 'number' | 'bytes' | 'crc'> & { payload: Uint8Array }

/** Gives an entry the next number. */
export function put(draft: Draft, { payload, ...known }: NewEntry, content: Content): void {
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
  draft.rows++
  draft.transaction.put.push({ id: entry.id, meta: formatEntry(entry), payload })
}
