/** FNV-1a, 32 bit (draft-eastlake-fnv), a byte or another whole number at a time: `hash = fnv1a(hash, byte)` from `fnvStart` on, `>>> 0` at the end. */
export const fnvStart = 0x811c9dc5

export function fnv1a(hash: number, word: number): number {
  return Math.imul(hash ^ word, 0x01000193)
}
