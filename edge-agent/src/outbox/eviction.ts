/**
 * Chooses what to remove when the outbox is full, and what is too old. Data goes, and ledger records that a later one of their stream
 * replaces; gap records, closing ledger records, the newest ledger record
 * and alarms that were not sent yet stay.
 */
import { type Draft, lose, losePage } from './draft.ts'
import { type Entry, isSane } from './entry.ts'
import type { Page } from './page.ts'

/** Kept free below the bound, for gap and ledger records. */
const reserveBytes = 64 * 1024

export function evictOld(draft: Draft): void {
  const { shelf, options, nowMs } = draft
  if (options.ageMaxMs === 0 || !isSane(nowMs)) return
  const keptSinceMs = nowMs - options.ageMaxMs
  for (const unit of shelf.units()) {
    const createdMs = isPage(unit) ? unit.createdMsMax : unit.createdMs
    // Of a page with entries of a clock that was never set nothing goes before they are known one by one.
    if (!isSane(createdMs) || createdMs === Number.POSITIVE_INFINITY) continue
    if (createdMs >= keptSinceMs) return
    evictUnit(draft, unit)
  }
}

/** The bound less the reserve. */
export function roomForData({ bytesMax }: Draft): number {
  return bytesMax - Math.min(reserveBytes, bytesMax / 4)
}

/** Leaves at most `bytesMax`, as the policy says; with `newest` it is the new that will find no room. */
export function evict(draft: Draft, bytesMax: number): void {
  if (draft.bytes <= bytesMax) return
  const { policy } = draft.options
  if (policy === 'decimate') thin(draft)
  for (const unit of draft.shelf.units()) {
    if (draft.bytes <= bytesMax) return
    if (policy === 'newest' && (isPage(unit) || unit.kind === 'data')) continue
    evictUnit(draft, unit)
  }
}

/** Runs into which the older half is cut; every second goes. Few, so that the gap stays small. */
const runs = 64

/** Thins the older half of the outbox, so that a long outage keeps a sample of all of it. */
function thin(draft: Draft): void {
  const { shelf } = draft
  const half = Math.floor(shelf.size / 2)
  let length = Math.max(1, Math.ceil(half / runs))
  let at = 0
  for (const unit of shelf.units()) {
    if (at >= half) return
    const entries = isPage(unit) ? unit.entries : 1
    length = Math.max(length, entries)
    if (Math.floor(at / length) % 2 === 0) evictUnit(draft, unit)
    at += entries
  }
}

/** What may go: the newest ledger record and what has a guard are never part of a page. */
function evictUnit(draft: Draft, unit: Entry | Page): void {
  if (isPage(unit)) losePage(draft, unit)
  else if (mayGo(draft, unit)) lose(draft, 'evicted', unit)
}

function isPage(unit: Entry | Page): unit is Page {
  return 'entries' in unit
}

function mayGo({ gone, shelf }: Draft, entry: Entry): boolean {
  if (gone.has(entry) || entry.kind === 'gap' || entry.guard || shelf.isUrgent(entry)) return false
  return entry.kind !== 'ledger' || !shelf.isNewestLedger(entry)
}
