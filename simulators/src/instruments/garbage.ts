/** Random bytes for the garbage of an instrument. */
import type { Random } from '../signals/random.ts'

/** `length` bytes from `lowest` to `highest`. */
export function bytesBetween(random: Random, lowest: number, highest: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => lowest + random.below(highest - lowest + 1))
}
