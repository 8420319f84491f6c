/** Fills the shelf from the storage: all of it at the start, a page when its turn comes. */
import { MillraceError } from '@millrace/platform'
import { type Entry, parseEntry } from './entry.ts'
import { addToPage, emptyPage, type Page } from './page.ts'
import { keys } from './records.ts'
import { Shelf, type ShelfBounds } from './shelf.ts'
import { type Loaded, listRowsMax, type OutboxStorage, type Row } from './storage.ts'

/** Nothing of an earlier run is live, whatever the time. */
const noTimeMs = 0

export interface Filled extends Loaded {
  shelf: Shelf
  /** Entries whose declaration is lost: nobody can read them. */
  orphans: Entry[]
}

/** @throws MillraceError of `open` and `list` */
export async function load(storage: OutboxStorage, bounds: ShelfBounds): Promise<Filled> {
  const loaded = await storage.open()
  try {
    return await fill(loaded, storage, bounds)
  } catch (error) {
    if (!isDamage(error)) throw error
    return fill(await storage.open(true), storage, bounds)
  }
}

async function fill(loaded: Loaded, storage: OutboxStorage, bounds: ShelfBounds): Promise<Filled> {
  const shelf = new Shelf(bounds)
  const orphans: Entry[] = []
  for (let rows = loaded.entries; rows.length > 0; ) {
    for (const row of rows) {
      const entry = parse(row)
      shelf.add(entry)
      if (entry.kind !== 'data' || loaded.small.has(keys.declaration(entry.declaration))) continue
      shelf.take(entry)
      orphans.push(entry)
    }
    shelf.fold(noTimeMs)
    rows = rows.length < listRowsMax ? [] : await storage.list(shelf.lastId + 1, Number.MAX_SAFE_INTEGER)
  }
  return { ...loaded, shelf, orphans }
}

/** @throws MillraceError of `list`, and AGENT_OUTBOX_CORRUPT when the entries are not those that the page stands for */
export async function unfold(shelf: Shelf, page: Page, storage: OutboxStorage): Promise<void> {
  const apart = new Set(shelf.apartFrom(page))
  const first: Entry[] = []
  const rest: Page[] = []
  let found = 0
  for (let fromId = page.firstId; fromId <= page.lastId; ) {
    const rows = await storage.list(fromId, page.lastId)
    for (const row of rows) {
      if (apart.has(row.id)) continue
      const entry = parse(row)
      if (found++ < shelf.pageEntries) first.push(entry)
      else addToPage(pageFor(rest, shelf.pageEntries), entry)
    }
    fromId = rows.length < listRowsMax ? Number.POSITIVE_INFINITY : rows.at(-1)!.id + 1
  }
  if (found !== page.entries) throw damage(`${found} of ${page.entries} entries are there`)
  shelf.unfold(page, first, rest)
}

function pageFor(pages: Page[], entriesMax: number): Page {
  const last = pages.at(-1)
  if (last && last.entries < entriesMax) return last
  const page = emptyPage()
  pages.push(page)
  return page
}

/** @throws MillraceError AGENT_OUTBOX_CORRUPT when the meta was altered */
function parse({ id, meta }: Row): Entry {
  try {
    return parseEntry(id, meta)
  } catch (error) {
    throw damage((error as Error).message)
  }
}

function damage(detail: string): MillraceError {
  return new MillraceError('AGENT_OUTBOX_CORRUPT', { path: 'of the agent', detail, aside: 'a file beside it' })
}

function isDamage(error: unknown): boolean {
  return error instanceof MillraceError && error.code === 'AGENT_OUTBOX_CORRUPT'
}
