import type { Entry } from './entry.ts'

/** Entries in the order in which they were added, which is the order of their numbers in each stream. */
export class Sequence {
  private readonly entries = new Set<Entry>()
  private readonly byStream = new Map<string, Set<Entry>>()

  get size(): number {
    return this.entries.size
  }

  values(): IterableIterator<Entry> {
    return this.entries.values()
  }

  streams(): IterableIterator<string> {
    return this.byStream.keys()
  }

  /** The first of a stream that is not in `gone`. */
  first(stream: string, gone: ReadonlySet<Entry>): Entry | undefined {
    for (const entry of this.byStream.get(stream) ?? []) if (!gone.has(entry)) return entry
    return undefined
  }

  add(entry: Entry): void {
    this.entries.add(entry)
    const stream = this.byStream.get(entry.stream)
    if (stream) stream.add(entry)
    else this.byStream.set(entry.stream, new Set([entry]))
  }

  delete(entry: Entry): boolean {
    if (!this.entries.delete(entry)) return false
    const stream = this.byStream.get(entry.stream)!
    stream.delete(entry)
    if (stream.size === 0) this.byStream.delete(entry.stream)
    return true
  }
}
