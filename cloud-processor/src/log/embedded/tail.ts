/**
 * The newest durable blocks, kept in memory within a bound, so that readers that follow live never touch the file. They are
 * kept as bytes: records made again for each reader die young, while records that are kept are moved about by the garbage
 * collector and cost several times their bytes.
 */
import { lastAtOrBefore } from '../last-at-or-before.ts'
import type { LogRecord } from '../log.ts'
import { decodeBlock } from './block.ts'

/** What a block costs beside its bytes. */
const blockOverheadBytes = 250

export interface TailBlock {
  slot: number
  first: number
  /** Never 0. */
  count: number
  timeMs: number
  bytes: Buffer
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
  const cost = (block: TailBlock) => block.bytes.length + blockOverheadBytes
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
      if (!blocks || blocks.length === 0 || blocks[0]!.first > from) return undefined
      return take(blocks, lastAtOrBefore(blocks, from), from, limit)
    },
    bytes: () => bytes,
  }
}

function take(blocks: TailBlock[], at: number, from: number, limit: { records: number; bytes: number }): LogRecord[] {
  const taken: LogRecord[] = []
  const wanted = { from, into: taken, recordsMax: limit.records }
  let bytes = 0
  for (let counted = 0; at < blocks.length; at++) {
    const block = blocks[at]!
    decodeBlock(block.bytes, block, wanted)
    for (; counted < taken.length; counted++) {
      bytes += taken[counted]!.value.length
      if (bytes >= limit.bytes) return taken.slice(0, counted + 1)
    }
    if (taken.length >= limit.records) return taken
  }
  return taken
}
