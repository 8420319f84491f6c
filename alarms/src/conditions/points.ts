/**
 * The samples of a stretch of time in a bounded number of points: one more is kept when it is `1/parts` of the stretch later
 * than the last one. Which are kept depends on the samples' own times alone.
 */
export type Point = [t: number, value: number]

/** @returns whether it was kept. Drops what is older than the stretch. */
export function keepPoint(points: Point[], { stretchMs, parts }: { stretchMs: number; parts: number }, point: Point): boolean {
  const fromMs = point[0] - stretchMs
  let over = 0
  while (over < points.length && points[over]![0] < fromMs) over++
  if (over > 0) points.splice(0, over)
  const last = points.at(-1)
  if (last && point[0] - last[0] < stretchMs / parts) return false
  points.push(point)
  return true
}

/** For people: a measure that is not a number of the device's. */
export const rounded = (value: number) => Number(value.toPrecision(5))
/** Sorts the numbers in place. */
export function medianOf(numbers: number[]): number {
  numbers.sort((a, b) => a - b)
  const middle = numbers.length >> 1
  return numbers.length % 2 === 1 ? numbers[middle]! : (numbers[middle - 1]! + numbers[middle]!) / 2
}

/**
 * The line of Theil and Sen: its slope is the median of the slopes between every two points, its height the median of what is
 * left, so that outliers do not turn it.
 */
export function trendAt(points: Point[], atMs: number): number {
  const slopes: number[] = []
  for (let i = 1; i < points.length; i++)
    for (let j = 0; j < i; j++) slopes.push((points[i]![1] - points[j]![1]) / (points[i]![0] - points[j]![0]))
  const slope = medianOf(slopes)
  return medianOf(points.map(([t, value]) => value + slope * (atMs - t)))
}
