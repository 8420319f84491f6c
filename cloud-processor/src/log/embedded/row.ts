/** A row of `blocks`, opened and checked. Its time, whole milliseconds, has a quarter on top where the block has a checksum. */
import { zstdDecompressSync } from 'node:zlib'
import { describe } from '@millrace/platform/sqlite'
import { damageOf } from './block.ts'
import type { FoundBlock } from './protocol.ts'

export interface StoredBlock {
  id: number
  count: number
  timeMs: number
  size: number
  block: Uint8Array
}

export interface Found {
  block: FoundBlock
  bytes: Buffer
}

export const nothing = Buffer.alloc(0)

/** A block that has lost the name of its checksum is not taken for one that never had it. */
export const checkedTime = (timeMs: number): number => timeMs + 0.25

/** The block, or what is wrong with it. `low`: id of the slot's first offset. */
export function openBlock({ id, count, timeMs: markedMs, size, block }: StoredBlock, low: number): Found | string {
  const first = id - low
  const timeMs = Math.floor(markedMs)
  if (count === 0) return { block: { first, count, timeMs, bytes: 0 }, bytes: nothing }
  try {
    const whole = unpack(block, size)
    return (
      damageOf(whole, { first, count, timeMs }, markedMs !== timeMs) ?? {
        block: { first, count, timeMs, bytes: whole.length },
        bytes: whole,
      }
    )
  } catch (cause) {
    return describe(cause)
  }
}

function unpack(block: Uint8Array, size: number): Buffer {
  const whole = block.length === size ? block : zstdDecompressSync(block)
  return Buffer.from(whole.buffer, whole.byteOffset, whole.length)
}
