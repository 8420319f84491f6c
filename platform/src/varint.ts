/** Variable-length whole numbers from 0 to 2^53: 7 bits a byte, lowest first, bit 7 set on all but the last. */

/** A position that a reader moves. */
export interface Cursor {
  at: number
}

/** Returns where the next byte goes. Room for 8 bytes is the caller's business. */
export function putVarint(into: Uint8Array, at: number, value: number): number {
  let rest = value
  let next = at
  while (rest >= 0x80000000) {
    into[next++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  while (rest >= 0x80) {
    into[next++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  into[next++] = rest
  return next
}

/** @throws RangeError when the bytes end too early. */
export function takeVarint(bytes: Uint8Array, cursor: Cursor): number {
  let value = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[cursor.at++]
    if (byte === undefined) throw new RangeError('the bytes end within a number')
    if (byte < 0x80) return value + byte * scale
    value += (byte & 0x7f) * scale
  }
}
