/** Raised when the change per time, over a window, is below `low` or above `high`. */
import { type Counter, increaseOf } from '@millrace/contract'
import { z } from 'zod'
import { durationMs, type ValueRule } from '../../rule.ts'
import type { MemoryCondition, Recall } from '../condition.ts'
import { type Limits, outcomeOf, rawLimits } from '../limits.ts'
import type { Outcome } from '../memory.ts'
import { keepPoint, type Point, rounded } from '../points.ts'
import { isAbove, limitBeyond, rangeFault, rangeKeys, rangeLimits } from '../range.ts'
import { rawValue, type Scaling } from '../scaling.ts'
import { amountOf } from '../words.ts'

const periodsMs = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 }

const keys = {
  ...rangeKeys,
  per: z.enum(['second', 'minute', 'hour', 'day']).default('minute').describe('Of what time low and high are the change.'),
  windowMs: durationMs(60_000, 'The change is that since the oldest good sample in this time, once half of it is known.'),
  counter: z
    .boolean()
    .optional()
    .describe('It only counts up: a value less than the one before began again at 0. Default: as the channel is declared'),
}
type RateRule = ValueRule & z.infer<z.ZodObject<typeof keys>>

interface Window {
  points: Point[]
  last?: number
  /** Of a counter: what was counted since the memory began. */
  total?: number
  /** Unscaled, per the rule's time. */
  rate: number
}

export const rate: MemoryCondition<RateRule, Window> = {
  name: 'rate',
  description: 'raised when the change per time over windowMs is < low or > high, cleared when it is back by hysteresis',
  watches: 'sequence',
  keys,
  memory: { version: 1, keys: ['windowMs', 'per', 'counter'], empty: () => ({ points: [], rate: 0 }) },
  fault: rangeFault,
  recall: (rule, scaling) => new RateRecall(rule, scaling),
  limit: limitBeyond,
  text: (rule, { channel, unit, measured, limit }) =>
    `${channel} changes by ${amountOf(measured, unit)} a ${rule.per}, ${isAbove(rule, measured) ? 'above' : 'below'} ${amountOf(limit, unit)}`,
}

const parts = 64

class RateRecall implements Recall<Window> {
  private readonly rule: RateRule
  private readonly limits: Limits
  private readonly scale: number
  /** The raw number that means 0. */
  private readonly zero: number
  /** With its modulus in raw numbers. Undefined: a plain value. */
  private readonly counter: Counter | undefined

  constructor(rule: RateRule, scaling: Scaling) {
    this.rule = rule
    this.scale = scaling.scale
    this.counter = (rule.counter ?? scaling.counter !== undefined) ? rawCounter(scaling) : undefined
    this.limits = rawLimits(rangeLimits(rule), { scale: scaling.scale, offset: 0 })
    this.zero = rawValue(0, scaling)
  }

  take(memory: Window, t: number, raw: number): Outcome {
    const { windowMs, per } = this.rule
    const value = this.counter ? this.count(memory, raw, this.counter) : raw
    keepPoint(memory.points, { stretchMs: windowMs, parts }, [t, value])
    const [fromMs, from] = memory.points[0]!
    if (t === fromMs || t - fromMs < windowMs / 2) return 'keeps'
    memory.rate = ((value - from) * periodsMs[per]) / (t - fromMs)
    return outcomeOf(memory.rate, this.limits)
  }

  measured({ rate }: Window): number {
    return rounded(rate * this.scale)
  }

  private count(memory: Window, raw: number, counter: Counter): number {
    const { last = raw, total = 0 } = memory
    const sign = Math.sign(this.scale)
    memory.last = raw
    memory.total = total + sign * increaseOf(sign * (last - this.zero), sign * (raw - this.zero), counter).by
    return memory.total
  }
}

function rawCounter({ scale, counter = { resets: true } }: Scaling): Counter {
  const { modulus, resets } = counter
  return modulus === undefined ? counter : { modulus: rawValue(modulus, { scale: Math.abs(scale), offset: 0 }), resets }
}
