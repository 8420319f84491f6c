/**
 * Whether the store can be what was produced, less some values under gaps. Decided exactly, for values that repeat as well: where
 * a stretch under a gap ends in the store is not known, so every place where it may end is followed.
 */
import type { Produced, Stretch } from './stretches.ts'

export function fits({ v }: Produced, stored: Produced['v'], stretches: Stretch[]): boolean {
  let places: Places = [[0, 0]]
  for (const { isCore, from, to } of stretches) {
    const values = v.slice(from, to)
    places = isCore ? afterCore(values, stored, places) : afterGap(values, stored, places)
    if (places.length === 0) return false
  }
  return places.at(-1)![1] === stored.length
}

/** Positions in the store up to which all may agree, as ascending, disjoint, inclusive ranges. */
type Places = [first: number, last: number][]

/** Under a gap, any beginning of what is stored next that is a subsequence of what was produced. */
function afterGap(values: Produced['v'], stored: Produced['v'], places: Places): Places {
  const reached: Places = []
  for (const [first, last] of places) {
    let end = last
    for (let start = first; start <= last; start++) {
      let at = start
      for (let i = 0; i < values.length && at < stored.length; i++) if (stored[at] === values[i]) at++
      end = Math.max(end, at)
    }
    const before = reached.at(-1)
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], end)
    else reached.push([first, end])
  }
  return reached
}

function afterCore(values: Produced['v'], stored: Produced['v'], places: Places): Places {
  const reached: Places = []
  for (const [first, last] of places) {
    for (let start = first; start <= last && start + values.length <= stored.length; start++) {
      let k = 0
      while (k < values.length && stored[start + k] === values[k]) k++
      if (k === values.length) reached.push([start + k, start + k])
    }
  }
  return reached
}
