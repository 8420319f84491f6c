/** Reads the fields of an answer, in order. Kafka protocol guide, "Protocol Primitive Types"; the compact ones. */
import { takeVarint } from '@millrace/platform/varint'

export interface Fields {
  skip(bytes: number): void
  int16(): number
  int32(): number
  /** Offsets and times are far below 2^53. */
  int64(): number
  /** UUID, as 32 hexadecimal digits. */
  uuid(): string
  /** COMPACT_NULLABLE_STRING, COMPACT_STRING */
  text(): string | null
  /** COMPACT_RECORDS; a view. */
  bytes(): Buffer
  /** COMPACT_ARRAY of structures, each with its tagged fields behind it. */
  array<T>(item: () => T): T[]
  tags(): void
}

/** @throws RangeError when the answer ends too early. */
export function createFields(frame: Buffer, from: number): Fields {
  const cursor = { at: from }
  const varint = () => takeVarint(frame, cursor)

  function tags(): void {
    for (let count = varint(); count > 0; count--) {
      varint()
      cursor.at += varint()
    }
  }

  function int32(): number {
    cursor.at += 4
    return frame.readInt32BE(cursor.at - 4)
  }

  function bytes(): Buffer {
    const length = Math.max(0, varint() - 1)
    if (cursor.at + length > frame.length) throw new RangeError('an answer of Kafka ends too early')
    cursor.at += length
    return frame.subarray(cursor.at - length, cursor.at)
  }

  return {
    skip(bytes) {
      cursor.at += bytes
    },
    int16() {
      cursor.at += 2
      return frame.readInt16BE(cursor.at - 2)
    },
    int32,
    int64() {
      const high = int32()
      cursor.at += 4
      return high * 2 ** 32 + frame.readUInt32BE(cursor.at - 4)
    },
    uuid() {
      cursor.at += 16
      return frame.toString('hex', cursor.at - 16, cursor.at)
    },
    text() {
      if (frame[cursor.at] === 0) return varint() === 0 ? null : ''
      return bytes().toString()
    },
    bytes,
    array(item) {
      const items = []
      for (let left = varint() - 1; left > 0; left--) {
        items.push(item())
        tags()
      }
      return items
    },
    tags,
  }
}
