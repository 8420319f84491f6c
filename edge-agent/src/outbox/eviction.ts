/**
 * Chooses what to remove when the outbox is full, and what is too old. Data goes, and ledger records that a later one of their stream
 * replaces; gap records, closing ledger records and the newest ledger record stay.
 */
import { type Draft, lose } from './draft.ts'
import type { Entry } from './entry.ts'

/** Kept free below the bound, for gap and ledger records. */
const reserveBytes = 64 * 1024

/** Below this a wall clock is one that was never set (a gateway without a battery starts in 1970). */
const saneMs = Date.UTC(2024, 0)

export function evictOld(draft: Draft): void {
  const { shelf, options, nowMs } = draft
  if (options.ageMaxMs === 0 || nowMs < saneMs) return
  for (const entry of shelf.entries()) {
    const isSane = entry.createdMs >= saneMs
    if (isSane && nowMs - entry.createdMs <= options.ageMaxMs) return
    if (isSane && mayGo(draft, entry)) lose(draft, 'evicted', entry)
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
  for (const entry of draft.shelf.entries()) {
    if (draft.bytes <= bytesMax) return
    if (policy === 'newest' && entry.kind === 'data') continue
    if (mayGo(draft, entry)) lose(draft, 'evicted', entry)
  }
}

/** Runs into which the older half is cut; every second goes. Few, so that the gap stays small. */
const runs = 64

/** Thins the older half of the outbox, so that a long outage keeps a sample of all of it. */
function thin(draft: Draft): void {
  const { shelf } = draft
  const half = Math.floor(shelf.size / 2)
  const length = Math.max(1, Math.ceil(half / runs))
  let at = 0
  for (const entry of shelf.entries()) {
    if (at >= half) return
    if (Math.floor(at++ / length) % 2 === 0 && mayGo(draft, entry)) lose(draft, 'evicted', entry)
  }
}

function mayGo({ gone, shelf }: Draft, entry: Entry): boolean {
  if (gone.has(entry) || entry.kind === 'gap' || entry.guard) return false
  return entry.kind === 'data' || !shelf.isNewestLedger(entry)
}
