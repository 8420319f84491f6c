/** The newest durable records, kept in memory within a bound, so that readers that follow live never touch the file. */
import type { LogRecord } from '../log.ts'

/** What a record costs beside its bytes: the object, its views and strings. */
const recordOverheadBytes = 250

export interface TailBlock {
  slot: number
  /** Never empty; offsets rise by one. */
  records: LogRecord[]
  bytes: number
}

export interface Tail {
  add(block: TailBlock): void
  /** Undefined when `from` is older than what is kept. */
  read(slot: number, from: number, limit: { records: number; bytes: number }): LogRecord[] | undefined
  bytes(): number
}

export function createTail(bytesMax: number): Tail {
  // Oldest first over all slots; what leaves the front of `all` is at the front of its slot too.
  const all: TailBlock[] = []
  const bySlot = new Map<number, TailBlock[]>()
  let bytes = 0
  const cost = (block: TailBlock) => block.bytes + block.records.length * recordOverheadBytes
  return {
    add(block) {
      const blocks = bySlot.get(block.slot)
      if (blocks) blocks.push(block)
      else bySlot.set(block.slot, [block])
      all.push(block)
      bytes += cost(block)
      while (bytes > bytesMax && all.length > 0) {
        const oldest = all.shift()!
        bySlot.get(oldest.slot)!.shift()
        bytes -= cost(oldest)
      }
    },
    read(slot, from, limit) {
      const blocks = bySlot.get(slot)
      if (!blocks || blocks.length === 0 || blocks[0]!.records[0]!.offset > from) return undefined
      return take(blocks, find(blocks, from), from, limit)
    },
    bytes: () => bytes,
  }
}

/** Index of the block that holds `from`. */
function find(blocks: TailBlock[], from: number): number {
  let low = 0
  let high = blocks.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (blocks[middle]!.records[0]!.offset <= from) low = middle
    else high = middle - 1
  }
  return low
}

function take(blocks: TailBlock[], at: number, from: number, limit: { records: number; bytes: number }): LogRecord[] {
  const taken: LogRecord[] = []
  let bytes = 0
  for (; at < blocks.length; at++) {
    const { records } = blocks[at]!
    for (let k = Math.max(0, from - records[0]!.offset); k < records.length; k++) {
      const record = records[k]!
      taken.push(record)
      bytes += record.value.length
      if (taken.length >= limit.records || bytes >= limit.bytes) return taken
    }
  }
  return taken
}
