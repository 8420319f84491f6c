/** A sorted set of whole numbers as inclusive, disjoint, non-adjacent ranges: `[[1841, 1850], [1853, 1853]]`. */
export type Ranges = [first: number, last: number][]

/** Adds `first..last` in place, merging what touches. */
export function addRange(ranges: Ranges, first: number, last = first): void {
  let low = ranges.length
  while (low > 0 && ranges[low - 1]![1] >= first - 1) low--
  let high = low
  while (high < ranges.length && ranges[high]![0] <= last + 1) high++
  const from = low < high ? Math.min(first, ranges[low]![0]) : first
  const to = low < high ? Math.max(last, ranges[high - 1]![1]) : last
  ranges.splice(low, high - low, [from, to])
}

export function inRanges(ranges: Ranges, number: number): boolean {
  let low = 0
  let high = ranges.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const [first, last] = ranges[middle]!
    if (number < first) high = middle - 1
    else if (number > last) low = middle + 1
    else return true
  }
  return false
}

/** Takes one number out, in place. False: it was not there. */
export function removeNumber(ranges: Ranges, number: number): boolean {
  const at = ranges.findIndex(([first, last]) => number >= first && number <= last)
  if (at < 0) return false
  const [first, last] = ranges[at]!
  const rest: Ranges = []
  if (first < number) rest.push([first, number - 1])
  if (number < last) rest.push([number + 1, last])
  ranges.splice(at, 1, ...rest)
  return true
}

export function removeBelow(ranges: Ranges, floor: number): void {
  while (ranges.length > 0 && ranges[0]![1] < floor) ranges.shift()
  if (ranges.length > 0 && ranges[0]![0] < floor) ranges[0]![0] = floor
}

export function formatRanges(ranges: Ranges): string {
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',')
}

/** Undefined when the text is not a list of ascending ranges. */
export function parseRanges(text: string): Ranges | undefined {
  const ranges: Ranges = []
  for (const part of text.split(',')) {
    const match = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(part)
    if (!match) return undefined
    const first = Number(match[1])
    const last = Number(match[2] ?? match[1])
    if (last < first) return undefined
    addRange(ranges, first, last)
  }
  return ranges
}
