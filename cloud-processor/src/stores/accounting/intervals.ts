/** Stretches of time that hold data, to tell cheaply that new data lies beside all of it. May cover more than there is, never less. */

/** Pairs [first, last], rising. */
export type Intervals = number[]

/** When more, the two nearest are joined. */
const pairsMax = 16

export function isFree(intervals: Intervals, first: number, last: number): boolean {
  for (let k = intervals.length - 2; k >= 0; k -= 2) {
    if (intervals[k + 1]! < first) return true
    if (intervals[k]! <= last) return false
  }
  return true
}

/** What follows a stretch at no great distance extends it; a hole of more than `holeMs` is kept open: backlog may come to fill it. */
export function cover(intervals: Intervals, first: number, last: number, holeMs = 5000): void {
  const end = intervals.length
  if (end > 0 && first >= intervals[end - 2]! && first <= intervals[end - 1]! + holeMs) {
    if (last > intervals[end - 1]!) intervals[end - 1] = last
    return
  }
  let k = 0
  while (k < end && intervals[k + 1]! < first) k += 2
  let from = first
  let to = last
  let drop = 0
  while (k + drop < end && intervals[k + drop]! <= last) {
    from = Math.min(from, intervals[k + drop]!)
    to = Math.max(to, intervals[k + drop + 1]!)
    drop += 2
  }
  if (drop === 0 && k > 0 && first <= intervals[k - 1]! + holeMs) intervals[k - 1] = last
  else intervals.splice(k, drop, from, to)
  if (intervals.length > pairsMax * 2) joinNearest(intervals)
}

/** Rising times: a stretch for each run without a hole. */
export function coverPoints(intervals: Intervals, t: number[], holeMs = 5000): void {
  for (let from = 0, to = 0; to < t.length; from = to) {
    do to++
    while (to < t.length && t[to]! - t[to - 1]! <= holeMs)
    cover(intervals, t[from]!, t[to - 1]!, holeMs)
  }
}

function joinNearest(intervals: Intervals): void {
  let nearest = 2
  for (let k = 2; k < intervals.length; k += 2)
    if (intervals[k]! - intervals[k - 1]! < intervals[nearest]! - intervals[nearest - 1]!) nearest = k
  intervals.splice(nearest - 1, 2)
}
