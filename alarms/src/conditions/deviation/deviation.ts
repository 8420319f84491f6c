/**
 * Raised when a value is out of the band of the own past: further from the median than `factor` times the spread, where the spread
 * is the median distance from the median (MAD), times 1.4826, which is the standard deviation of a normal distribution.
 *
 * The past is at most `pointsMax` samples, evenly over `pastMs`; with `byHour` those of the same hour of the day (UTC) on the
 * days before. A sample is judged by those before it, and is one of them afterwards, so that a level that stays becomes usual.
 */
import { z } from 'zod'
import type { ValueRule } from '../../rule.ts'
import type { MemoryCondition, Recall } from '../condition.ts'
import { type Limits, outcomeOf } from '../limits.ts'
import type { Outcome } from '../memory.ts'
import { keepPoint, medianOf, type Point, rounded } from '../points.ts'
import { rawValue, type Scaling } from '../scaling.ts'
import { amountOf } from '../words.ts'

const dayMs = 86_400_000
const hourMs = 3_600_000

const keys = {
  factor: z.number().min(1).max(100).default(5).describe('The band is this many spreads to either side of the median.'),
  least: z.number().min(0).default(0).describe('The band is at least this far from the median on either side.'),
  hysteresis: z.number().min(0).default(0).describe('Clears only this far inside the band.'),
  pastMs: z
    .number()
    .int()
    .min(1000)
    .max(7 * dayMs)
    .default(dayMs)
    .describe('How far back the past goes; with byHour whole days.'),
  byHour: z.boolean().default(false).describe('Compare with the same hour of the day (UTC) only.'),
  pointsMin: z.number().int().min(4).max(64).default(16).describe('With less of a past nothing is judged.'),
}
type DeviationRule = ValueRule & z.infer<z.ZodObject<typeof keys>>

interface Past {
  /** One list, or one for each hour of the day. */
  hours: Point[][]
  /** Of the list that the last sample was judged by, unscaled. */
  median: number
}

export const deviation: MemoryCondition<DeviationRule, Past> = {
  name: 'deviation',
  description: 'raised when the value is out of the band (median ± factor × spread) of its own past, cleared when it is back',
  watches: 'sequence',
  keys,
  memory: { version: 1, keys: ['pastMs', 'byHour'], empty: () => ({ hours: [], median: 0 }) },
  recall: (rule, scaling) => new DeviationRecall(rule, scaling),
  text: (_rule, { channel, value, unit, measured }) =>
    `${channel} ${amountOf(value, unit)} is not as usual (${amountOf(measured, unit)})`,
}

/** Of one list; an hour of the day has 8 on each of at most 7 days. */
const parts = 96
const hourParts = 8

class DeviationRecall implements Recall<Past> {
  private readonly rule: DeviationRule
  private readonly scaling: Scaling
  private readonly least: number
  private readonly hysteresis: number
  /** Of the points of a list at their number and newest time; made again after a restart. */
  private band: { points: Point[]; atMs: number; median: number; spread: number } | undefined

  constructor(rule: DeviationRule, scaling: Scaling) {
    const distance = (value: number) => Math.abs(rawValue(value, { scale: scaling.scale, offset: 0 }))
    this.rule = rule
    this.scaling = scaling
    this.least = distance(rule.least)
    this.hysteresis = distance(rule.hysteresis)
  }

  take(memory: Past, t: number, raw: number): Outcome {
    const points = this.pointsAt(memory, t)
    const outcome = this.judge(memory, points, raw)
    keepPoint(points, this.bounds(), [t, raw])
    return outcome
  }

  measured({ median }: Past): number {
    return rounded(median * this.scaling.scale + this.scaling.offset)
  }

  private judge(memory: Past, points: Point[], raw: number): Outcome {
    if (points.length < this.rule.pointsMin) return 'keeps'
    const { median, spread } = this.bandOf(points)
    memory.median = median
    return outcomeOf(raw, this.limits(median, Math.max(this.rule.factor * spread, this.least)))
  }

  private limits(median: number, half: number): Limits {
    const inner = Math.max(half - this.hysteresis, 0)
    return { setLow: median - half, setHigh: median + half, clearLow: median - inner, clearHigh: median + inner }
  }

  private bandOf(points: Point[]): { median: number; spread: number } {
    const [atMs] = points.at(-1)!
    if (this.band?.points !== points || this.band.atMs !== atMs) {
      const median = medianOf(points.map(([, value]) => value))
      const spread = 1.4826 * medianOf(points.map(([, value]) => Math.abs(value - median)))
      this.band = { points, atMs, median, spread }
    }
    return this.band
  }

  private pointsAt({ hours }: Past, t: number): Point[] {
    const hour = this.rule.byHour ? Math.floor((((t % dayMs) + dayMs) % dayMs) / hourMs) : 0
    while (hours.length <= hour) hours.push([])
    return hours[hour]!
  }

  /** By hour: points an eighth of an hour apart, so that each day has as much weight as another. */
  private bounds(): { stretchMs: number; parts: number } {
    const { byHour, pastMs } = this.rule
    if (!byHour) return { stretchMs: pastMs, parts }
    const stretchMs = Math.max(pastMs, dayMs)
    return { stretchMs, parts: stretchMs / (hourMs / hourParts) }
  }
}
