/**
 * After the file turned out to be damaged while the agent runs: what the new one has of it stays, what it lacks is evicted, and all
 * small records are written again from memory. What it has and the outbox does not know was receipted before: it is removed.
 */
import { type Entry, parseEntry } from './entry.ts'
import { addToGap, joinGap, type PendingGap, restOfGap, takeFromGap } from './gap.ts'
import { addToPage, emptyPage, type Page } from './page.ts'
import type { Shelf } from './shelf.ts'
import { allSmall, forget, type State } from './state.ts'
import { listRowsMax, type OutboxStorage, type Row } from './storage.ts'
import type { Work } from './work.ts'

/** What the new file has. */
interface Found {
  kept: Set<Entry>
  pages: FoundPage[]
  /** Ids. */
  strangers: number[]
}

interface FoundPage {
  page: Page
  /** What is there of it. */
  rest: Page
  lost: PendingGap
}

/** @param rows the first of them */
export async function compareFile(shelf: Shelf, rows: Row[], storage: OutboxStorage): Promise<Found> {
  const pages = shelf.foldedPages().map((page) => ({ page, rest: emptyPage(), lost: structuredClone(page.lost) }))
  const found: Found = { kept: new Set(), pages, strangers: [] }
  let at = 0
  for (let list = rows; list.length > 0; ) {
    for (const row of list) {
      while (at < pages.length && pages[at]!.page.lastId < row.id) at++
      if (!takeRow(shelf, row, found, pages[at])) found.strangers.push(row.id)
    }
    list = list.length < listRowsMax ? [] : await storage.list(list.at(-1)!.id + 1, Number.MAX_SAFE_INTEGER)
  }
  return found
}

/** False: the outbox does not know it. */
function takeRow(shelf: Shelf, { id, meta }: Row, { kept }: Found, folded: FoundPage | undefined): boolean {
  const entry = parseEntry(id, meta)
  const known = shelf.entry(id)
  if (known) return isSame(known, entry) && kept.add(known) !== undefined
  if (!folded || !takeFromGap(folded.lost, entry)) return false
  addToPage(folded.rest, entry)
  return true
}

function isSame(one: Entry, other: Entry): boolean {
  return one.stream === other.stream && one.number === other.number && one.crc === other.crc
}

/** @returns how many entries are lost */
export function takeOver(state: State, work: Work, { kept, pages, strangers }: Found): number {
  const { shelf, ledgers } = state
  const before = shelf.size
  const gap = structuredClone(state.run.gap)
  for (const { page, rest, lost } of pages) {
    if (rest.entries === page.entries) continue
    joinGap(gap, restOfGap(lost))
    shelf.replacePage(page, rest)
    ledgers.goneBetween(page.firstId, page.lastId)
  }
  for (const unit of [...shelf.units()]) if (!('entries' in unit) && !kept.has(unit)) lose(state, work, gap, unit)
  state.run = { ...state.run, gap }
  work.strangers.push(...strangers)
  work.small = new Map([...allSmall(state), ...work.small])
  return before - shelf.size
}

function lose(state: State, work: Work, gap: PendingGap, entry: Entry): void {
  const content = state.cache.get(entry)
  const text = content && 'text' in content ? content.text : undefined
  const isFreed = state.freed.has(entry)
  if (entry.guard && text !== undefined && entry.kind !== 'data') work.again.push({ kind: entry.kind, text, guard: entry.guard })
  else if (!isFreed) addToGap(gap, 'evicted', entry)
  // Under a new number.
  if (entry.kind === 'alarm' && text !== undefined && !isFreed) work.alarms.push(text)
  forget(state, entry)
}
