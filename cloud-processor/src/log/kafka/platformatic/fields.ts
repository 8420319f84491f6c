/** Reads the fields of an answer, in order. Kafka protocol guide, "Protocol Primitive Types"; the compact ones. */
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
  let at = from

  function varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = frame[at++]
      if (byte === undefined) throw new RangeError('an answer of Kafka ends too early')
      if (byte < 128) return value + byte * scale
      value += (byte - 128) * scale
    }
  }

  function tags(): void {
    for (let count = varint(); count > 0; count--) {
      varint()
      at += varint()
    }
  }

  function int32(): number {
    at += 4
    return frame.readInt32BE(at - 4)
  }

  function bytes(): Buffer {
    const length = Math.max(0, varint() - 1)
    if (at + length > frame.length) throw new RangeError('an answer of Kafka ends too early')
    at += length
    return frame.subarray(at - length, at)
  }

  return {
    skip(bytes) {
      at += bytes
    },
    int16() {
      at += 2
      return frame.readInt16BE(at - 2)
    },
    int32,
    int64() {
      const high = int32()
      at += 4
      return high * 2 ** 32 + frame.readUInt32BE(at - 4)
    },
    uuid() {
      at += 16
      return frame.toString('hex', at - 16, at)
    },
    text() {
      if (frame[at] === 0) return varint() === 0 ? null : ''
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
