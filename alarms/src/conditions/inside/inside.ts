/** Raised by a value from `low` to `high`, cleared by one that is more than `hysteresis` outside of both. */
import { z } from 'zod'
import type { ValueRule } from '../../rule.ts'
import type { Judge, ValueCondition } from '../condition.ts'
import { limitKey } from '../limits.ts'
import { rawValue, type Scaling } from '../scaling.ts'
import { amountOf } from '../words.ts'

const keys = {
  low: limitKey('Raises at or above this value'),
  high: limitKey('and at or below this one.'),
  hysteresis: z.number().min(0).default(0).describe('Clears only when it is more than this far outside of low and high.'),
}
type InsideRule = ValueRule & z.infer<z.ZodObject<typeof keys>>

export const inside: ValueCondition<InsideRule> = {
  name: 'inside',
  description: 'raised when low ≤ value ≤ high, cleared when value < low − hysteresis or > high + hysteresis',
  watches: 'values',
  keys,
  fault: ({ low, high }) => (low > high ? 'low must not be more than high' : undefined),
  judge: (rule, scaling) => new InsideJudge(rule, scaling),
  text: ({ low, high }, { channel, value, unit, seconds }) =>
    `${channel} ${amountOf(value, unit)} from ${low} to ${amountOf(high, unit)}${seconds > 0 ? ` for ${seconds} s` : ''}`,
}

class InsideJudge implements Judge {
  private readonly low: number
  private readonly high: number
  private readonly clearLow: number
  private readonly clearHigh: number

  constructor({ low, high, hysteresis }: InsideRule, scaling: Scaling) {
    const raws = (...values: number[]) => values.map((value) => rawValue(value, scaling)).sort((a, b) => a - b)
    const [setLow, setHigh] = raws(low, high)
    const [clearLow, clearHigh] = raws(low - hysteresis, high + hysteresis)
    this.low = setLow!
    this.high = setHigh!
    this.clearLow = clearLow!
    this.clearHigh = clearHigh!
  }

  sets(raw: number): boolean {
    return raw >= this.low && raw <= this.high
  }

  clears(raw: number): boolean {
    return raw < this.clearLow || raw > this.clearHigh
  }
}
