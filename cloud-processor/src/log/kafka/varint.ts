/** Zigzag variable-length integers as in Kafka's record format, for numbers up to 2^53. */

/** A position that a reader moves. */
export interface Cursor {
  at: number
}

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
  let rest = value < 0 ? 1 : value * 2
  while (rest > 127) {
    into[at++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  into[at++] = rest
  return at
}

export function readVarint(bytes: Buffer, cursor: Cursor): number {
  const first = bytes[cursor.at++]!
  if (first < 128) return first & 1 ? -(first + 1) / 2 : first / 2
  let value = first - 128
  let scale = 128
  for (;;) {
    const byte = bytes[cursor.at++]
    if (byte === undefined) throw new RangeError('a record ends too early')
    if (byte < 128) {
      value += byte * scale
      return value % 2 === 1 ? -(value + 1) / 2 : value / 2
    }
    value += (byte - 128) * scale
    scale *= 128
  }
}
