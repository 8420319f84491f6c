import type { Content } from './content.ts'
import type { Entry } from './entry.ts'

/** Contents of fresh entries, so that they are sent without reading them back; the oldest leave at the bound. */
export interface Cache {
  set(entry: Entry, content: Content): void
  get(entry: Entry): Content | undefined
  delete(entry: Entry): void
}

/** Columns in memory, against their stored bytes: numbers are several times longer, and each batch has its maps and arrays. */
function costOf({ bytes }: Entry): number {
  return bytes * 4 + 1024
}

export function createCache(bytesMax: number): Cache {
  const contents = new Map<Entry, Content>()
  // What guards a floor is small and rare, and would be needed if its file were lost.
  const pinned = new Map<Entry, Content>()
  let bytes = 0
  return {
    set(entry, content) {
      if (entry.guard) return void pinned.set(entry, content)
      contents.set(entry, content)
      bytes += costOf(entry)
      for (const oldest of contents.keys()) {
        if (bytes <= bytesMax) return
        drop(oldest)
      }
    },
    get: (entry) => contents.get(entry) ?? pinned.get(entry),
    delete(entry) {
      pinned.delete(entry)
      drop(entry)
    },
  }

  function drop(entry: Entry): void {
    if (contents.delete(entry)) bytes -= costOf(entry)
  }
}
