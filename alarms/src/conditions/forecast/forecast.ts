/**
 * Raised when the trend of the last `windowMs` crosses `low` or `high` within `withinMs`. The trend goes through at most `parts + 1`
 * samples of the window, and is made again when a further one is kept.
 */
import type { z } from 'zod'
import { durationMs, type ValueRule } from '../../rule.ts'
import type { MemoryCondition, Recall } from '../condition.ts'
import { type Limits, outcomeOf, rawLimits } from '../limits.ts'
import type { Outcome } from '../memory.ts'
import { keepPoint, type Point, rounded, trendAt } from '../points.ts'
import { isAbove, limitBeyond, rangeFault, rangeKeys, rangeLimits } from '../range.ts'
import type { Scaling } from '../scaling.ts'
import { amountOf } from '../words.ts'

const keys = {
  ...rangeKeys,
  withinMs: durationMs(600_000, 'How far ahead the trend is followed.'),
  windowMs: durationMs(600_000, 'Of which time the trend is, once half of it and 8 samples are known.'),
}
type ForecastRule = ValueRule & z.infer<z.ZodObject<typeof keys>>

interface Trend {
  points: Point[]
  outcome: Outcome
  /** Where the trend is after `withinMs`, unscaled. */
  ahead: number
}

export const forecast: MemoryCondition<ForecastRule, Trend> = {
  name: 'forecast',
  description: 'raised when the trend of windowMs is < low or > high after withinMs, cleared when it stays inside by hysteresis',
  watches: 'sequence',
  keys,
  memory: { version: 1, keys: ['windowMs'], empty: () => ({ points: [], outcome: 'keeps', ahead: 0 }) },
  fault: rangeFault,
  recall: (rule, scaling) => new ForecastRecall(rule, scaling),
  limit: limitBeyond,
  text: (rule, { channel, value, unit, measured, limit }) =>
    `${channel} ${amountOf(value, unit)} will be ${isAbove(rule, measured) ? 'above' : 'below'} ${amountOf(limit, unit)} within ${rule.withinMs / 1000} s`,
}

const parts = 32
const pointsMin = 8

class ForecastRecall implements Recall<Trend> {
  private readonly rule: ForecastRule
  private readonly scaling: Scaling
  private readonly limits: Limits

  constructor(rule: ForecastRule, scaling: Scaling) {
    this.rule = rule
    this.scaling = scaling
    this.limits = rawLimits(rangeLimits(rule), scaling)
  }

  take(memory: Trend, t: number, raw: number): Outcome {
    const { windowMs, withinMs } = this.rule
    const { points } = memory
    if (!keepPoint(points, { stretchMs: windowMs, parts }, [t, raw])) return memory.outcome
    const isKnown = points.length >= pointsMin && t - points[0]![0] >= windowMs / 2
    if (isKnown) memory.ahead = trendAt(points, t + withinMs)
    memory.outcome = isKnown ? outcomeOf(memory.ahead, this.limits) : 'keeps'
    return memory.outcome
  }

  measured({ ahead }: Trend): number {
    return rounded(ahead * this.scaling.scale + this.scaling.offset)
  }
}
