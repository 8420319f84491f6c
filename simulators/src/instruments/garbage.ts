/**
 * Bytes that are no frame, begin none and follow on none, by kind of decoder: between two frames they harm neither, and are
 * one bad stretch.
 *
 * - contec-cms50: 20 to 7F. The new framing's types are 01 to 1F and its other bytes have bit 7 set; the old one's first byte has.
 * - openbci-cyton: 00 to 9F. A frame starts with A0.
 * - nmea-0183: printable, without `$` and `!`, a line of its own of at least two bytes: an empty one is nothing.
 */
import type { Random } from '../signals/random.ts'

/** @throws Error for a kind without a rule here. */
export function makeGarbage(kind: string, random: Random, bytes: number): Uint8Array {
  const from = (lowest: number, count: number, length = bytes) => Uint8Array.from({ length }, () => lowest + random.below(count))
  if (kind === 'contec-cms50') return from(0x20, 0x60)
  if (kind === 'openbci-cyton') return from(0x00, 0xa0)
  if (kind === 'nmea-0183') return Uint8Array.of(...from(0x41, 0x1a, Math.max(1, bytes - 1)), 0x0a)
  throw new Error(`no rule for garbage to a ${kind} decoder`)
}
