/** Zigzag variable-length integers as in Kafka's record format, for numbers up to 2^53. */
import { type Cursor, putVarint, takeVarint } from '@millrace/platform/varint'

/** Of a number that is not negative; -1 takes one byte too. */
export function varintBytes(value: number): number {
  if (value < 64) return 1
  if (value < 8192) return 2
  if (value < 1048576) return 3
  if (value < 134217728) return 4
  return 5
}

/** Writes a number from -1 to 2^31 - 1. */
export function writeVarint(into: Buffer, at: number, value: number): number {
  return putVarint(into, at, value < 0 ? 1 : value * 2)
}

export function readVarint(bytes: Buffer, cursor: Cursor): number {
  const first = bytes[cursor.at]!
  // Nearly all are one byte, which is faster read without the general way.
  if (first < 128) {
    cursor.at++
    return first & 1 ? -(first + 1) / 2 : first / 2
  }
  const value = takeVarint(bytes, cursor)
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2
}
