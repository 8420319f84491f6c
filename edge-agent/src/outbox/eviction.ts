/**
 * What goes when there is no room, and what is too old. Data goes, and ledger records that a later one of their stream
 * replaces; gap records, closing ledger records and the newest ledger record stay.
 */
import type { Entry } from './entry.ts'
import type { Around, Draft } from './plan.ts'
import type { Shelf } from './shelf.ts'

/** Kept free below the bound, for gap and ledger records. */
const reserveBytes = 64 * 1024

/** Below this a wall clock is one that was never set (a gateway without a battery starts in 1970). */
const saneMs = Date.UTC(2024, 0)

export function evictOld(draft: Draft, shelf: Shelf, { options, nowMs }: Around): void {
  if (options.ageMaxMs === 0 || nowMs < saneMs) return
  for (const entry of shelf.entries()) {
    const isSane = entry.createdMs >= saneMs
    if (isSane && nowMs - entry.createdMs <= options.ageMaxMs) return
    if (isSane && mayGo(entry, draft, shelf)) draft.lose('evicted', entry)
  }
}

/** The bound less the reserve. */
export function roomForData(bytesMax: number): number {
  return bytesMax - Math.min(reserveBytes, bytesMax / 4)
}

/** Makes room for `needed` bytes more, as the policy says; with `newest` it is the new that will find no room. */
export function evict(draft: Draft, shelf: Shelf, needed: number, { options, bytesMax }: Around): void {
  const target = roomForData(bytesMax) - needed
  if (draft.bytes <= target) return
  if (options.policy === 'decimate') thin(draft, shelf)
  evictOldest(draft, shelf, target, options.policy === 'newest')
}

function evictOldest(draft: Draft, shelf: Shelf, target: number, keepData: boolean): void {
  for (const entry of shelf.entries()) {
    if (draft.bytes <= target) return
    if (keepData && entry.kind === 'data') continue
    if (mayGo(entry, draft, shelf)) draft.lose('evicted', entry)
  }
}

/** Runs into which the older half is cut; every second goes. Few, so that the gap stays small. */
const runs = 64

/** Thins the older half of the outbox, so that a long outage keeps a sample of all of it. */
function thin(draft: Draft, shelf: Shelf): void {
  const half = Math.floor(shelf.size / 2)
  const length = Math.max(1, Math.ceil(half / runs))
  let at = 0
  for (const entry of shelf.entries()) {
    if (at >= half) return
    if (Math.floor(at++ / length) % 2 === 0 && mayGo(entry, draft, shelf)) draft.lose('evicted', entry)
  }
}

function mayGo(entry: Entry, draft: Draft, shelf: Shelf): boolean {
  if (draft.gone.has(entry) || entry.kind === 'gap' || entry.guard) return false
  return entry.kind === 'data' || !shelf.isNewestLedger(entry)
}
