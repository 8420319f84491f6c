/** Rate and regularity of the last beats. */

/** Of the intervals that are kept, those of the heart rate. */
const rateIntervals = 8
const intervalsMax = 20
/** From the median change between neighbours, as a share of the mean: a sinus rhythm with a single early beat stays below it. */
const irregularShare = 0.09

export function keepInterval(intervals: number[], rr: number): void {
  intervals.push(rr)
  if (intervals.length > intervalsMax) intervals.shift()
}

/** Beats a minute, by the mean of the last intervals. */
export function rateOf(intervals: number[]): number {
  const last = intervals.slice(-rateIntervals)
  return Number((60_000 / meanOf(last)).toFixed(1))
}

/** Undefined with too few of them. */
export function isIrregular(intervals: number[]): boolean | undefined {
  if (intervals.length < intervalsMax) return undefined
  const changes = intervals.slice(1).map((rr, k) => Math.abs(rr - intervals[k]!))
  changes.sort((a, b) => a - b)
  return changes[changes.length >> 1]! > irregularShare * meanOf(intervals)
}

function meanOf(numbers: number[]): number {
  return numbers.reduce((sum, value) => sum + value, 0) / numbers.length
}
