/** A growing byte buffer with varints, and its reader. Whole numbers up to 2^53. */
import { putVarint as put, takeVarint as take } from '@millrace/platform/varint'

export interface ByteWriter {
  bytes: Buffer
  at: number
}

export const createWriter = (size = 64 * 1024): ByteWriter => ({ bytes: Buffer.allocUnsafeSlow(size), at: 0 })

/** Makes room for `more` bytes. */
export function reserve(to: ByteWriter, more: number): void {
  if (to.at + more <= to.bytes.length) return
  const grown = Buffer.allocUnsafeSlow(Math.max(to.bytes.length * 2, to.at + more))
  to.bytes.copy(grown, 0, 0, to.at)
  to.bytes = grown
}

/** Room for 8 bytes is the caller's business. */
export function putVarint(to: ByteWriter, value: number): void {
  to.at = put(to.bytes, to.at, value)
}

/** Zigzag: small numbers of either sign are short. */
export function putSigned(to: ByteWriter, value: number): void {
  putVarint(to, value < 0 ? -value * 2 - 1 : value * 2)
}

export function putBytes(to: ByteWriter, bytes: Uint8Array): void {
  reserve(to, bytes.length + 8)
  putVarint(to, bytes.length)
  to.bytes.set(bytes, to.at)
  to.at += bytes.length
}

export interface ByteReader {
  bytes: Uint8Array
  at: number
}

/** @throws RangeError when the bytes end too early. */
export function takeVarint(from: ByteReader): number {
  return take(from.bytes, from)
}

export function takeSigned(from: ByteReader): number {
  const value = takeVarint(from)
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

export function takeBytes(from: ByteReader): Uint8Array {
  const length = takeVarint(from)
  const at = from.at
  from.at += length
  return from.bytes.subarray(at, at + length)
}
