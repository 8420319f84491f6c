/**
 * The entries that are durable, by id and by stream, and the lanes of those that wait for their first sending. In each map
 * the order is that of creation, so the first of a stream is its floor.
 *
 * *Live* is what was made less than `liveMs` ago in this run; everything else is *backlog*. An entry that is taken leaves
 * its lane and stays on the shelf until it is receipted, evicted or set aside.
 */
import { type Entry, storedBytes } from './entry.ts'

export type Lane = 'live' | 'backlog'

export interface Shelf {
  readonly bytes: number
  readonly size: number
  /** All, oldest first. */
  entries(): IterableIterator<Entry>
  streams(): IterableIterator<string>
  /** The lowest of a stream that is not in `gone`. */
  first(stream: string, gone: ReadonlySet<Entry>): Entry | undefined
  /** Those with a guard. */
  guards(): IterableIterator<Entry>
  isNewestLedger(entry: Entry): boolean
  find(stream: string, number: number): Entry | undefined
  has(entry: Entry): boolean
  /** @param liveSinceMs monotonic time when it became durable; absent for what an earlier run left. */
  add(entry: Entry, liveSinceMs?: number): void
  remove(entry: Entry): void
  /** Oldest first, at most `max`, without taking them. */
  next(lane: Lane, max: number, nowMs: number, accept?: (entry: Entry) => boolean): Entry[]
  take(entry: Entry): void
  waiting(lane: Lane): number
}

export function createShelf(liveMs: number): Shelf {
  const byId = new Map<number, Entry>()
  const byStream = new Map<string, Map<number, Entry>>()
  const guards = new Set<Entry>()
  const newestLedger = new Map<string, Entry>()
  const live = new Map<Entry, number>()
  const backlog = new Set<Entry>()
  let bytes = 0
  return {
    get bytes() {
      return bytes
    },
    get size() {
      return byId.size
    },
    entries: () => byId.values(),
    streams: () => byStream.keys(),
    first(stream, gone) {
      for (const entry of byStream.get(stream)?.values() ?? []) if (!gone.has(entry)) return entry
      return undefined
    },
    guards: () => guards.values(),
    isNewestLedger: (entry) => newestLedger.get(entry.stream) === entry,
    find: (stream, number) => byStream.get(stream)?.get(number),
    has: (entry) => byId.get(entry.id) === entry,
    add(entry, liveSinceMs) {
      byId.set(entry.id, entry)
      const stream = byStream.get(entry.stream) ?? new Map<number, Entry>()
      byStream.set(entry.stream, stream.set(entry.number, entry))
      bytes += storedBytes(entry)
      if (entry.guard) guards.add(entry)
      if (entry.kind === 'ledger' && !entry.guard) newestLedger.set(entry.stream, entry)
      if (liveSinceMs === undefined) backlog.add(entry)
      else live.set(entry, liveSinceMs)
    },
    remove(entry) {
      if (!byId.delete(entry.id)) return
      const stream = byStream.get(entry.stream)!
      stream.delete(entry.number)
      if (stream.size === 0) byStream.delete(entry.stream)
      bytes -= storedBytes(entry)
      guards.delete(entry)
      if (newestLedger.get(entry.stream) === entry) newestLedger.delete(entry.stream)
      live.delete(entry)
      backlog.delete(entry)
    },
    next(lane, max, nowMs, accept = () => true) {
      age(nowMs)
      return take(lane === 'live' ? live.keys() : backlog.values(), max, accept)
    },
    take(entry) {
      live.delete(entry)
      backlog.delete(entry)
    },
    waiting: (lane) => (lane === 'live' ? live.size : backlog.size),
  }

  function age(nowMs: number): void {
    for (const [entry, since] of live) {
      if (nowMs - since < liveMs) return
      live.delete(entry)
      backlog.add(entry)
    }
  }
}

/** Entries passed over in one look, so that a long backlog which waits for a birth costs little. */
const looksMax = 5000

function take<T>(items: IterableIterator<T>, max: number, accept: (item: T) => boolean): T[] {
  const taken: T[] = []
  let looks = 0
  for (const item of items) {
    if (taken.length >= max || looks++ >= looksMax + max) break
    if (accept(item)) taken.push(item)
  }
  return taken
}
