import type { Content } from './content.ts'
import type { Entry } from './entry.ts'

/** Contents of fresh entries, so that they are sent without reading them back; the oldest leave at the bound. */
export class Cache {
  private readonly bytesMax: number
  private readonly contents = new Map<Entry, Content>()
  /** What guards a floor is small and rare, and would be needed if its file were lost. */
  private readonly pinned = new Map<Entry, Content>()
  private bytes = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  set(entry: Entry, content: Content): void {
    if (entry.guard) return void this.pinned.set(entry, content)
    this.contents.set(entry, content)
    this.bytes += costOf(entry)
    for (const oldest of this.contents.keys()) {
      if (this.bytes <= this.bytesMax) return
      this.delete(oldest)
    }
  }

  get(entry: Entry): Content | undefined {
    return this.contents.get(entry) ?? this.pinned.get(entry)
  }

  delete(entry: Entry): void {
    this.pinned.delete(entry)
    if (this.contents.delete(entry)) this.bytes -= costOf(entry)
  }
}

/** Columns in memory, against their stored bytes: numbers are several times longer, and each batch has its maps and arrays. */
function costOf({ bytes }: Entry): number {
  return bytes * 4 + 1024
}
