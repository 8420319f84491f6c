/**
 * Checksums of stored rows: a row that is not as it was written is not read. The CRC-32 is of what says where the row belongs
 * (six float64, little-endian as the machines are) and of all its bytes before the checksum, which are its last ones:
 *
 *     batch      in one more frame of its last series, behind an empty chunk (five bytes 0) and a mark: four bytes
 *     chunk      at its end, before it is compressed: the lowest two bytes where it holds few, else four; the row's count is negative
 *     minutes    behind the last column: the lowest byte
 *
 * where a version without checksums reads over it. A row without the mark, with a positive count, or that ends with its last
 * column is of such a version.
 */
import { crc32 } from 'node:zlib'
import { type ByteWriter, putVarint, reserve } from './bytes.ts'

/** `sum` and a byte behind all ASCII. */
const mark = 0xf36d7573
const sealBytes = 8
const emptyChunkBytes = 5
const frameBytes = emptyChunkBytes + sealBytes

/** Of what lies in the writer from its start. */
export function putCheck(to: ByteWriter, place: number[], width: number): void {
  reserve(to, 4)
  to.bytes.writeUInt32LE(checksum(to.bytes.subarray(0, to.at), place), to.at)
  to.at += width
}

/** What is wrong with bytes that end with a checksum so wide. */
export function checkBroken(bytes: Uint8Array, place: number[], width: number): string | undefined {
  const end = bytes.length - width
  const sum = checksum(bytes.subarray(0, end), place)
  for (let k = 0; k < width; k++) if (bytes[end + k] !== ((sum >>> (8 * k)) & 0xff)) return 'its checksum is wrong'
  return undefined
}

/** Where a chunk holds few, every byte of it counts. */
export const chunkCheckBytes = (count: number): number => (count < 1024 ? 2 : 4)

/** The frame in which a batch has its checksum. */
export function putSealFrame(to: ByteWriter, series: number, place: number[]): void {
  reserve(to, 16 + frameBytes)
  putVarint(to, series)
  putVarint(to, frameBytes)
  for (let k = 0; k < emptyChunkBytes; k++) to.bytes[to.at++] = 0
  to.at = to.bytes.writeUInt32LE(mark, to.at)
  putCheck(to, place, 4)
}

/** Whether this is the frame of the checksum, and not a chunk of a series. */
export function isSealFrame(bytes: Uint8Array): boolean {
  return bytes.length === frameBytes && isMarked(bytes) && bytes.subarray(0, emptyChunkBytes).every((byte) => byte === 0)
}

/** Of a batch: of a version with checksums. */
export function isMarked(bytes: Uint8Array): boolean {
  return bytes.length >= sealBytes && viewOf(bytes).getUint32(bytes.length - sealBytes, true) === mark
}

const viewOf = ({ buffer, byteOffset, length }: Uint8Array) => new DataView(buffer, byteOffset, length)

/** Six numbers at most; those behind them are 0. */
const placeNumbers = new Float64Array(6)
const placeBytes = new Uint8Array(placeNumbers.buffer)

function checksum(bytes: Uint8Array, place: number[]): number {
  for (let k = 0; k < placeNumbers.length; k++) placeNumbers[k] = place[k] ?? 0
  return crc32(bytes, crc32(placeBytes))
}
