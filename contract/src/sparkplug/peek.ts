import { type ClockOffset, decodeClockOffset } from '../clock-offset.ts'
import { defaultLimits } from './limits.ts'
import { Reader } from './reader.ts'

export interface Peek {
  uuid?: string
  /** Of the first metric; our batches are historical as a whole or not at all. */
  historical: boolean
  seq?: number
  /** When the message was sent, epoch ms. */
  timestamp?: number
  /** What its agent says of the clock that stamped it. */
  clock?: ClockOffset
}

/**
 * What is known of a payload without decoding its metrics: it skips them by their lengths. Undefined when the top level, or the
 * first metric, is broken; what is inside other metrics is not looked at.
 *
 * @param withClock false for a caller that does not ask for `clock`
 */
export function peek(bytes: Uint8Array, withClock = true): Peek | undefined {
  try {
    return scan(new Reader(bytes, defaultLimits), withClock)
  } catch {
    return undefined
  }
}

function scan(reader: Reader, withClock: boolean): Peek {
  const found: Peek = { historical: false }
  let first = true
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x12) {
      const start = reader.range()
      if (first) found.historical = isHistorical(reader, start, reader.pos)
      first = false
    } else if (tag === 0x08) found.timestamp = safe(reader, reader.varint())
    else if (tag === 0x18) found.seq = safe(reader, reader.varint())
    else if (tag === 0x22) found.uuid = reader.text(reader.range(), reader.pos)
    else if (tag === 0x2a && withClock) takeBody(reader, found)
    else reader.skip(tag)
  }
  return found
}

function takeBody(reader: Reader, found: Peek): void {
  const clock = decodeClockOffset(reader.bytes.subarray(reader.range(), reader.pos))
  if (clock) found.clock = clock
}

function isHistorical(reader: Reader, start: number, end: number): boolean {
  const outer = reader.end
  let historical = false
  reader.pos = start
  reader.end = end
  while (reader.pos < end) {
    const tag = reader.tag()
    if (tag === 0x28) historical = reader.varint() !== 0
    else reader.skip(tag)
  }
  reader.end = outer
  return historical
}

function safe(reader: Reader, value: number): number {
  return Number.isSafeInteger(value) ? value : reader.fail('out-of-range', 'above 2^53 - 1')
}
