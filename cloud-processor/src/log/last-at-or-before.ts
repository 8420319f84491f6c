/** Index of the last of the pieces, sorted by their first offset, that begins at or before `offset`; -1: none. */
export function lastAtOrBefore(pieces: readonly { first: number }[], offset: number): number {
  let low = -1
  let high = pieces.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (pieces[middle]!.first <= offset) low = middle
    else high = middle - 1
  }
  return low
}
