/**
 * A batch: what one timeline record holds of one device within one UTC hour, as it came. Then for each series, to the end:
 * varint series id, varint length, a chunk (chunk.ts). The length lets a reader skip what it does not want. The last frame is its
 * checksum (seal.ts).
 */
import type { Segment } from '@millrace/contract'
import { type ByteWriter, putVarint, reserve, takeVarint } from './bytes.ts'
import { type Points, type PutPoints, putPoints, putSegments, takePoints, takeSegments } from './chunk.ts'
import { isSealFrame } from './seal.ts'

/** `before`: what this returned for the series before it in the same batch. */
export function putSeriesPoints(to: ByteWriter, series: number, points: Points, before?: PutPoints): PutPoints | undefined {
  const head = startFrame(to, series)
  const put = putPoints(to, points, before)
  // Where the length took more room than was left for it, the points lie elsewhere.
  return endFrame(to, head) ? put : undefined
}

export function putSeriesSegments(to: ByteWriter, series: number, segments: Segment[]): void {
  const head = startFrame(to, series)
  putSegments(to, segments)
  endFrame(to, head)
}

/** The length goes before what it measures: most chunks are short, so two bytes are left for it. */
function startFrame(to: ByteWriter, series: number): number {
  reserve(to, 16)
  putVarint(to, series)
  const head = to.at
  to.at = head + 2
  return head
}

/** False: the chunk was moved up, because its length takes more. */
function endFrame(to: ByteWriter, head: number): boolean {
  const length = to.at - head - 2
  if (length < 0x4000) {
    // A two-byte varint, even where one byte would do.
    to.bytes[head] = (length & 0x7f) | 0x80
    to.bytes[head + 1] = length >> 7
    return true
  }
  reserve(to, 8)
  const lengthBytes = length < 0x200000 ? 3 : length < 0x10000000 ? 4 : 5
  to.bytes.copyWithin(head + lengthBytes, head + 2, to.at)
  to.at = head
  putVarint(to, length)
  to.at = head + lengthBytes + length
  return false
}

/** Chunks of a batch by series. @throws RangeError when the bytes end too early */
export function* chunksOf(body: Uint8Array): Generator<{ series: number; bytes: Uint8Array }> {
  const from = { bytes: body, at: 0 }
  while (from.at < body.length) {
    const series = takeVarint(from)
    const length = takeVarint(from)
    const bytes = body.subarray(from.at, from.at + length)
    from.at += length
    if (from.at < body.length || !isSealFrame(bytes)) yield { series, bytes }
  }
}

/** The chunk of one series, if the batch has it. */
export function chunkOf(body: Uint8Array, series: number): Uint8Array | undefined {
  for (const chunk of chunksOf(body)) if (chunk.series === series) return chunk.bytes
  return undefined
}

export const pointsOf = (bytes: Uint8Array): Points => takePoints({ bytes, at: 0 })
export const segmentsOf = (bytes: Uint8Array): Segment[] => takeSegments({ bytes, at: 0 })
