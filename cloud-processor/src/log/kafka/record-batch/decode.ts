/** Reads record batches: layout.ts. */
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { Chunk } from '../client.ts'
import { toChunk } from './chunk.ts'
import { gzip, headBytes, zstd } from './layout.ts'

/**
 * Batches from a fetch that end behind `has`, until they take `bytesMax` in memory: zstd makes a page into a kilobyte. The last
 * one may be cut off.
 * @throws Error for a first batch that cannot be read.
 */
export function decodeBatches(bytes: Buffer, bytesMax: number, has = 0): Chunk[] {
  const chunks: Chunk[] = []
  let unpacked = 0
  for (let at = 0; at + headBytes <= bytes.length && unpacked < bytesMax; ) {
    const wireBytes = 12 + bytes.readInt32BE(at + 8)
    if (at + wireBytes > bytes.length) break
    const batch = bytes.subarray(at, at + wireBytes)
    at += wireBytes
    if (nextOf(batch) <= has) continue
    const chunk = tryDecode(batch, chunks.length > 0)
    if (!chunk) break
    chunks.push(chunk)
    unpacked += chunk.bytes
  }
  return chunks
}

/** Undefined: it cannot be read, which the next fetch says, when it is the first. */
function tryDecode(batch: Buffer, hasOthers: boolean): Chunk | undefined {
  try {
    return decodeBatch(batch)
  } catch (error) {
    if (hasOthers) return undefined
    throw error
  }
}

/** Offset after the last record. */
const nextOf = (batch: Buffer) => Number(batch.readBigInt64BE(0)) + batch.readInt32BE(23) + 1

function decodeBatch(batch: Buffer): Chunk {
  if (batch[16] !== 2) throw new RangeError(`record batch of format ${batch[16]}`)
  const attributes = batch.readInt16BE(21)
  const isControl = (attributes & 0x20) !== 0
  const hasOneTime = (attributes & 8) !== 0
  return toChunk(unpack(batch.subarray(headBytes), attributes & 7), {
    first: Number(batch.readBigInt64BE(0)),
    next: nextOf(batch),
    count: isControl ? 0 : batch.readInt32BE(57),
    timeMs: Number(batch.readBigInt64BE(hasOneTime ? 35 : 27)),
    hasOneTime,
    wireBytes: batch.length,
  })
}

/** A copy of its own in every case: a view would keep the whole answer in memory. */
function unpack(records: Buffer, compression: number): Buffer {
  if (compression === zstd) return zstdDecompressSync(records)
  if (compression === gzip) return gunzipSync(records)
  if (compression === 0) return Buffer.from(records)
  throw new RangeError(`record batch with compression ${compression}; set compression.type=producer for the topic`)
}
