/**
 * The scoring of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015, arXiv 1510.03336), of our own:
 *
 * - the first 15 % of a series, at most 750 rows, are not scored;
 * - in a window of anomaly the earliest detection counts, by how early it is: σ(position) / σ(-1) with the position from -1 at the
 *   window's begin to 0 at its end and σ(y) = 2 / (1 + e^5y) - 1; a window without one costs the weight of a false negative;
 * - a detection outside costs the weight of a false positive, less just behind a window: -σ(position), the position in widths of the
 *   window before, all of it from 3 on and where there was none;
 * - one threshold for all series, the best; the sum is brought to 0 for a detector that finds nothing and 100 for a perfect one.
 */

export interface Profile {
  name: string
  falsePositive: number
  falseNegative: number
}

export const profiles: Profile[] = [
  { name: 'standard', falsePositive: 0.11, falseNegative: 1 },
  { name: 'reward low FP', falsePositive: 0.22, falseNegative: 1 },
  { name: 'reward low FN', falsePositive: 0.11, falseNegative: 2 },
]

export interface Labelled {
  rows: number
  /** First and last row of each window, ascending. */
  windows: [first: number, last: number][]
}

export interface Outcome {
  /** 0 for nothing found, 100 for a perfect detector; below 0 where false positives cost more than was found. */
  score: number
  threshold: number
}

export const probationOf = (rows: number) => Math.min(Math.floor(0.15 * rows), 750)

/** What a detection at a row brings: in a window its number and how early it is, outside what it costs. */
interface Effect {
  series: number
  window?: number
  worth: number
}

/** @param scores of each row of each series */
export function scoreAll(series: Labelled[], scores: number[][], profile: Profile): Outcome {
  const windows = series.reduce((sum, one) => sum + one.windows.length, 0)
  const nothing = -profile.falseNegative * windows
  let [best, threshold, found, paid] = [nothing, Infinity, 0, 0]
  const earliest = new Map<string, number>()
  for (const { score, effects } of byScore(series, scores)) {
    for (const { series: number, window, worth } of effects) {
      if (window === undefined) paid += worth * profile.falsePositive
      else {
        const key = `${number} ${window}`
        const before = earliest.get(key)
        earliest.set(key, Math.max(before ?? worth, worth))
        found += earliest.get(key)! - (before ?? -profile.falseNegative)
      }
    }
    const total = nothing + found + paid
    if (total > best) [best, threshold] = [total, score]
  }
  return { score: (100 * (best - nothing)) / (windows - nothing), threshold }
}

/** Rows with as high a score go together, the highest first. */
function byScore(series: Labelled[], scores: number[][]): { score: number; effects: Effect[] }[] {
  const all = new Map<number, Effect[]>()
  for (const [number, labelled] of series.entries())
    for (let row = probationOf(labelled.rows); row < labelled.rows; row++) {
      const score = scores[number]![row]!
      if (!(score > 0)) continue
      const effect = { series: number, ...effectAt(labelled.windows, row) }
      const effects = all.get(score)
      if (effects) effects.push(effect)
      else all.set(score, [effect])
    }
  return [...all].sort(([a], [b]) => b - a).map(([score, effects]) => ({ score, effects }))
}

export function effectAt(windows: [first: number, last: number][], row: number): { window?: number; worth: number } {
  const window = windows.findIndex(([first, last]) => first <= row && row <= last)
  if (window >= 0) {
    const [first, last] = windows[window]!
    return { window, worth: sigmoid(-(last - row + 1) / (last - first + 1)) / sigmoid(-1) }
  }
  const before = windows.findLast(([, last]) => last < row)
  return { worth: before ? sigmoid((row - before[1]) / (before[1] - before[0])) : -1 }
}

const sigmoid = (position: number) => (position > 3 ? -1 : 2 / (1 + Math.exp(5 * position)) - 1)
