/** A growing byte buffer with varints, and its reader. Whole numbers up to 2^53. */

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

/** 7 bits a byte, lowest first. Room for 8 bytes is the caller's business. */
export function putVarint(to: ByteWriter, value: number): void {
  const { bytes } = to
  let at = to.at
  while (value >= 0x80000000) {
    bytes[at++] = (value % 128) | 0x80
    value = Math.floor(value / 128)
  }
  while (value >= 0x80) {
    bytes[at++] = (value & 0x7f) | 0x80
    value >>>= 7
  }
  bytes[at++] = value
  to.at = at
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

export function takeVarint(from: ByteReader): number {
  const { bytes } = from
  let byte = bytes[from.at++]!
  if (byte < 0x80) return byte
  let value = byte & 0x7f
  let scale = 128
  do {
    byte = bytes[from.at++]!
    value += (byte & 0x7f) * scale
    scale *= 128
  } while (byte >= 0x80)
  return value
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
