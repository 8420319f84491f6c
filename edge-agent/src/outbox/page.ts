/**
 * A page: a run of stored entries of which only a summary is in memory, so that the index stays small however much the outbox
 * holds. The summary has what it takes to list the entries when their turn comes, to evict all of them at once, and to name
 * them in a gap when their file is lost.
 */
import { type Entry, isSane, storedBytes } from './entry.ts'
import { addToGap, joinGap, type PendingGap } from './gap.ts'

export interface Page {
  /** Ids of the first and of the last entry; those in between that the shelf knows itself are not part of the page. */
  firstId: number
  lastId: number
  entries: number
  /** As stored. */
  bytes: number
  /** What a gap would tell of them. */
  lost: PendingGap
  /** Lowest number of each stream. */
  floors: Map<string, number>
  declarations: Set<string>
  /** Newest time of creation, epoch ms; infinite where a clock that was never set made one. */
  createdMsMax: number
}

export function emptyPage(): Page {
  return {
    firstId: Number.POSITIVE_INFINITY,
    lastId: 0,
    entries: 0,
    bytes: 0,
    lost: [],
    floors: new Map(),
    declarations: new Set(),
    createdMsMax: 0,
  }
}

/** Entries are added in order of id. */
export function addToPage(page: Page, entry: Entry): void {
  const { id, stream, number, declaration, createdMs } = entry
  page.firstId = Math.min(page.firstId, id)
  page.lastId = id
  page.entries++
  page.bytes += storedBytes(entry)
  addToGap(page.lost, 'evicted', entry)
  if (!page.floors.has(stream)) page.floors.set(stream, number)
  if (declaration !== '') page.declarations.add(declaration)
  page.createdMsMax = Math.max(page.createdMsMax, isSane(createdMs) ? createdMs : Number.POSITIVE_INFINITY)
}

/** Joins the two neighbours that are smallest together into one page. */
export function mergeSmallest(pages: Page[]): void {
  let smallest = 0
  let entriesMin = Number.POSITIVE_INFINITY
  for (let at = 0; at + 1 < pages.length; at++) {
    const entries = pages[at]!.entries + pages[at + 1]!.entries
    if (entries >= entriesMin) continue
    entriesMin = entries
    smallest = at
  }
  const [one, two] = pages.splice(smallest, 2) as [Page, Page]
  pages.splice(smallest, 0, merge(one, two))
}

function merge(one: Page, two: Page): Page {
  joinGap(one.lost, two.lost)
  return {
    firstId: one.firstId,
    lastId: two.lastId,
    entries: one.entries + two.entries,
    bytes: one.bytes + two.bytes,
    lost: one.lost,
    floors: new Map([...two.floors, ...one.floors]),
    declarations: new Set([...one.declarations, ...two.declarations]),
    createdMsMax: Math.max(one.createdMsMax, two.createdMsMax),
  }
}
