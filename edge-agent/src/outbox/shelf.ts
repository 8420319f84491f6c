/**
 * The entries that are durable, by id and by stream, and the lanes of those that wait for their first sending. In each map
 * the order is that of creation, so the first of a stream is its floor.
 *
 * *Live* is what was made less than `liveMs` ago in this run; everything else is *backlog*. An entry that is taken leaves
 * its lane and stays on the shelf until it is receipted, evicted or set aside.
 */
import { type Entry, storedBytes } from './entry.ts'

export type Lane = 'live' | 'backlog'

export class Shelf {
  bytes = 0
  private readonly liveMs: number
  private readonly byId = new Map<number, Entry>()
  private readonly byStream = new Map<string, Map<number, Entry>>()
  private readonly guarding = new Set<Entry>()
  private readonly newestLedger = new Map<string, Entry>()
  /** With the monotonic time at which each became durable. */
  private readonly live = new Map<Entry, number>()
  private readonly backlog = new Set<Entry>()

  constructor(liveMs: number) {
    this.liveMs = liveMs
  }

  get size(): number {
    return this.byId.size
  }

  /** All, oldest first. */
  entries(): IterableIterator<Entry> {
    return this.byId.values()
  }

  streams(): IterableIterator<string> {
    return this.byStream.keys()
  }

  /** The lowest of a stream that is not in `gone`. */
  first(stream: string, gone: ReadonlySet<Entry>): Entry | undefined {
    for (const entry of this.byStream.get(stream)?.values() ?? []) if (!gone.has(entry)) return entry
    return undefined
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
    this.byId.set(entry.id, entry)
    const stream = this.byStream.get(entry.stream) ?? new Map<number, Entry>()
    this.byStream.set(entry.stream, stream.set(entry.number, entry))
    this.bytes += storedBytes(entry)
    if (entry.guard) this.guarding.add(entry)
    if (entry.kind === 'ledger' && !entry.guard) this.newestLedger.set(entry.stream, entry)
    if (liveSinceMs === undefined) this.backlog.add(entry)
    else this.live.set(entry, liveSinceMs)
  }

  remove(entry: Entry): void {
    if (!this.byId.delete(entry.id)) return
    const stream = this.byStream.get(entry.stream)!
    stream.delete(entry.number)
    if (stream.size === 0) this.byStream.delete(entry.stream)
    this.bytes -= storedBytes(entry)
    this.guarding.delete(entry)
    if (this.isNewestLedger(entry)) this.newestLedger.delete(entry.stream)
    this.take(entry)
  }

  /** Oldest first, at most `max`, without taking them. */
  next(lane: Lane, max: number, nowMs: number, accept: (entry: Entry) => boolean = () => true): Entry[] {
    this.age(nowMs)
    return firstOf(lane === 'live' ? this.live.keys() : this.backlog.values(), max, accept)
  }

  take(entry: Entry): void {
    this.live.delete(entry)
    this.backlog.delete(entry)
  }

  waiting(lane: Lane): number {
    return this[lane].size
  }

  private age(nowMs: number): void {
    for (const [entry, since] of this.live) {
      if (nowMs - since < this.liveMs) return
      this.live.delete(entry)
      this.backlog.add(entry)
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
