/** Mean, deviation and percentiles of the samples of a stretch of time, at each sample. */
import { z } from 'zod'
import type { Analysis, Run, SourceReading, Tell } from '../analysis.ts'
import { keepPoint, type Point, rounded, windowKeys } from '../window.ts'

const keys = {
  ...windowKeys,
  percentiles: z
    .array(z.number().int().min(0).max(100))
    .max(10)
    .default([5, 50, 95])
    .refine((all) => new Set(all).size === all.length, 'a percentile is given twice')
    .describe('Percentiles, each a channel of its own: `p5`'),
}
type StatisticsKeys = z.infer<z.ZodObject<typeof keys>>

interface Window {
  points: Point[]
}

export const statistics: Analysis<StatisticsKeys, Window> = {
  name: 'statistics',
  description: 'numbers over a stretch of time: mean, standard deviation, percentiles',
  version: 1,
  takes: 'number',
  channels: 1,
  keys,
  outputs({ percentiles }, [source]) {
    const { unit } = source!
    const names = ['mean', 'deviation', ...percentiles.map((percent) => `p${percent}`)]
    return names.map((name) => ({ name, kind: 'number', unit }))
  },
  memory: { empty: () => ({ points: [] }), bytesMax: 32 << 10 },
  open: (entry) => new StatisticsRun(entry),
}

class StatisticsRun implements Run<Window> {
  readonly #keys: StatisticsKeys

  constructor(keys: StatisticsKeys) {
    this.#keys = keys
  }

  take({ points }: Window, { t, value }: SourceReading, tell: Tell): void {
    if (typeof value !== 'number' || !Number.isFinite(value)) return
    keepPoint(points, this.#keys, [t, value])
    const values = points.map(([, one]) => one)
    const mean = meanOf(values)
    tell('mean', t, rounded(mean))
    tell('deviation', t, rounded(Math.sqrt(meanOf(values.map((one) => (one - mean) ** 2)))))
    values.sort((a, b) => a - b)
    for (const percent of this.#keys.percentiles) tell(`p${percent}`, t, rounded(percentileOf(values, percent)))
  }
}

/** Each divided first: the sum of large numbers overflows. */
function meanOf(values: number[]): number {
  return values.reduce((sum, value) => sum + value / values.length, 0)
}

/** Between neighbours on a straight line. @param sorted ascending */
function percentileOf(sorted: number[], percent: number): number {
  const place = ((sorted.length - 1) * percent) / 100
  const below = sorted[Math.floor(place)]!
  return below + (sorted[Math.ceil(place)]! - below) * (place % 1)
}
