/**
 * The entries that are durable, and the lanes of those that wait for their first sending.
 *
 *   front │ pages │ tail        in order of creation
 *
 * Front and tail are known one by one. In a long outage what lies between is known by pages only (`page.ts`): the oldest of
 * the tail are folded into a page when the tail grows long, and the first page is unfolded when the front runs short. What a
 * floor or the uplink depends on is never folded: it is *apart*.
 *
 * Alarms that the rules on the gateway made are *urgent*, within a bound: they go first, and past it as what else is live.
 * *Live* is what was made less than `liveMs` ago in this run; everything else is *backlog*. An entry that is taken leaves
 * its lane and stays on the shelf until it is receipted, evicted or set aside.
 */
import type { Ranges } from '@millrace/contract'
import { type Entry, storedBytes } from './entry.ts'
import { numbersOf } from './gap.ts'
import { addToPage, emptyPage, mergeSmallest, type Page } from './page.ts'
import { Sequence } from './sequence.ts'

export type Lane = 'live' | 'backlog'

export interface ShelfBounds {
  liveMs: number
  /** Entries known one by one, about. */
  indexEntriesMax: number
}

/** Each is known one by one. */
const urgentMax = 1000
/** Above this the smallest neighbours are joined. */
const pagesMax = 256

export class Shelf {
  bytes = 0
  size = 0
  /** Id of the newest entry that was ever added. */
  lastId = 0
  readonly pageEntries: number
  private readonly liveMs: number
  private readonly byId = new Map<number, Entry>()
  private readonly front = new Sequence()
  private readonly tail = new Sequence()
  private readonly apart = new Set<Entry>()
  private pages: Page[] = []
  private readonly guarding = new Set<Entry>()
  private readonly newestLedger = new Map<string, Entry>()
  /** With the monotonic time at which each became durable. */
  private readonly live = new Map<Entry, number>()
  private readonly urgent = new Set<Entry>()
  /** Before the pages, and after them. */
  private readonly backlog = new Set<Entry>()
  private readonly later = new Set<Entry>()

  constructor({ liveMs, indexEntriesMax }: ShelfBounds) {
    this.liveMs = liveMs
    this.pageEntries = Math.ceil(indexEntriesMax / 4)
  }

  /** How many are known one by one. */
  get indexed(): number {
    return this.byId.size
  }

  /** All, oldest first. */
  *units(): Generator<Entry | Page> {
    yield* this.apart
    yield* this.front.values()
    yield* this.pages
    yield* this.tail.values()
  }

  streams(): Set<string> {
    const streams = new Set([...this.front.streams(), ...this.tail.streams()])
    for (const { stream } of this.apart) streams.add(stream)
    for (const { floors } of this.pages) for (const stream of floors.keys()) streams.add(stream)
    return streams
  }

  /** The lowest number of a stream that is not in `gone`. */
  floor(stream: string, gone: ReadonlySet<Entry | Page>): number | undefined {
    const numbers: number[] = []
    for (const sequence of [this.front, this.tail]) {
      const first = sequence.first(stream, gone as ReadonlySet<Entry>)
      if (first) numbers.push(first.number)
    }
    for (const entry of this.apart) if (entry.stream === stream && !gone.has(entry)) numbers.push(entry.number)
    for (const page of this.pages) {
      const number = gone.has(page) ? undefined : page.floors.get(stream)
      if (number !== undefined) numbers.push(number)
    }
    return numbers.length > 0 ? Math.min(...numbers) : undefined
  }

  /** All numbers of a stream, in no order. */
  numbers(stream: string): Ranges {
    const numbers: Ranges = []
    for (const unit of this.units()) {
      if ('entries' in unit) numbers.push(...numbersOf(unit.lost, stream))
      else if (unit.stream === stream) numbers.push([unit.number, unit.number])
    }
    return numbers
  }

  /** Those with a guard. */
  guards(): IterableIterator<Entry> {
    return this.guarding.values()
  }

  isNewestLedger(entry: Entry): boolean {
    return this.newestLedger.get(entry.stream) === entry
  }

  has(entry: Entry): boolean {
    return this.byId.get(entry.id) === entry
  }

  /** @param liveSinceMs monotonic time when it became durable; absent for what an earlier run left. */
  add(entry: Entry, liveSinceMs?: number): void {
    this.tail.add(entry)
    this.know(entry)
    this.lastId = Math.max(this.lastId, entry.id)
    if (entry.kind === 'ledger' && !entry.guard) this.newestLedger.set(entry.stream, entry)
    if (entry.kind === 'alarm' && this.urgent.size < urgentMax) this.urgent.add(entry)
    else if (liveSinceMs === undefined) this.later.add(entry)
    else this.live.set(entry, liveSinceMs)
  }

  remove(entry: Entry): void {
    if (!this.byId.delete(entry.id)) return
    this.apart.delete(entry) || this.front.delete(entry) || this.tail.delete(entry)
    this.bytes -= storedBytes(entry)
    this.size--
    this.guarding.delete(entry)
    if (this.isNewestLedger(entry)) this.newestLedger.delete(entry.stream)
    this.take(entry)
  }

  /** One that is known one by one. */
  entry(id: number): Entry | undefined {
    return this.byId.get(id)
  }

  /** In order of id; their ranges do not overlap. */
  foldedPages(): readonly Page[] {
    return this.pages
  }

  /** Some of its entries are lost; `rest` stands for the others. */
  replacePage(page: Page, rest: Page): void {
    this.pages = this.pages.flatMap((other) => (other !== page ? [other] : rest.entries > 0 ? [rest] : []))
    this.bytes += rest.bytes - page.bytes
    this.size += rest.entries - page.entries
  }

  removePage(page: Page): void {
    this.pages = this.pages.filter((other) => other !== page)
    this.bytes -= page.bytes
    this.size -= page.entries
  }

  /** Ids that lie in the range of a page and are not part of it. */
  apartFrom({ firstId, lastId }: Page): number[] {
    return [...this.apart].map(({ id }) => id).filter((id) => id >= firstId && id <= lastId)
  }

  /** An alarm that was not sent yet. */
  isUrgent(entry: Entry): boolean {
    return this.urgent.has(entry)
  }

  /** Oldest first, at most `max`, without taking them. */
  next(lane: Lane, max: number, nowMs: number, accept: (entry: Entry) => boolean = () => true): Entry[] {
    this.age(nowMs)
    if (lane === 'live') return this.nextLive(max, accept)
    const first = firstOf(this.backlog.values(), max, accept)
    if (this.pages.length > 0 || first.length >= max) return first
    return [...first, ...firstOf(this.later.values(), max - first.length, accept)]
  }

  take(entry: Entry): void {
    this.live.delete(entry) || this.urgent.delete(entry) || this.backlog.delete(entry) || this.later.delete(entry)
  }

  waiting(lane: Lane): number {
    if (lane === 'live') return this.urgent.size + this.live.size
    return this.pages.reduce((sum, { entries }) => sum + entries, this.backlog.size + this.later.size)
  }

  /** Folds the oldest of the tail into pages when it is long. */
  fold(nowMs: number): void {
    this.age(nowMs)
    while (this.tail.size >= 3 * this.pageEntries) {
      const page = this.foldOne()
      if (page.entries === 0) return
      this.pages.push(page)
      if (this.pages.length > pagesMax) mergeSmallest(this.pages)
    }
  }

  /** The page to be unfolded, when few entries are left before it. */
  dueToUnfold(): Page | undefined {
    return this.backlog.size < this.pageEntries / 2 ? this.pages[0] : undefined
  }

  /** The first page becomes the entries that were listed, and pages of those after them. */
  unfold(page: Page, entries: Entry[], rest: Page[]): void {
    this.removePage(page)
    for (const entry of entries) {
      this.front.add(entry)
      this.know(entry)
      this.backlog.add(entry)
    }
    for (const { bytes, entries: count } of rest) {
      this.bytes += bytes
      this.size += count
    }
    this.pages.unshift(...rest)
  }

  private nextLive(max: number, accept: (entry: Entry) => boolean): Entry[] {
    const first = firstOf(this.urgent.values(), max, accept)
    return [...first, ...firstOf(this.live.keys(), max - first.length, accept)]
  }

  private foldOne(): Page {
    const page = emptyPage()
    for (const entry of this.tail.values()) {
      if (page.entries >= this.pageEntries || this.live.has(entry)) break
      this.tail.delete(entry)
      if (this.mayFold(entry)) {
        this.later.delete(entry)
        this.byId.delete(entry.id)
        addToPage(page, entry)
      } else {
        this.apart.add(entry)
        if (this.later.delete(entry)) this.backlog.add(entry)
      }
    }
    return page
  }

  /** What was taken is not in its lane. */
  private mayFold(entry: Entry): boolean {
    return this.later.has(entry) && !entry.guard && !this.isNewestLedger(entry)
  }

  private know(entry: Entry): void {
    this.byId.set(entry.id, entry)
    this.bytes += storedBytes(entry)
    this.size++
    if (entry.guard) this.guarding.add(entry)
  }

  private age(nowMs: number): void {
    for (const [entry, since] of this.live) {
      if (nowMs - since < this.liveMs) return
      this.live.delete(entry)
      this.later.add(entry)
    }
  }
}

/** Entries passed over in one look, so that a long backlog which waits for a birth costs little. */
const looksMax = 5000

function firstOf<T>(items: IterableIterator<T>, max: number, accept: (item: T) => boolean): T[] {
  const taken: T[] = []
  let looks = 0
  for (const item of items) {
    if (taken.length >= max || looks++ >= looksMax + max) break
    if (accept(item)) taken.push(item)
  }
  return taken
}
