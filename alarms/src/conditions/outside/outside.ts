/** Raised by a value below `low` or above `high`, cleared by one that is `hysteresis` inside both. */
import { z } from 'zod'
import type { ValueRule } from '../../rule.ts'
import type { ValueCondition } from '../condition.ts'
import { judgeLimits, limitKey } from '../limits.ts'
import { crossing } from '../words.ts'

const keys = {
  low: limitKey('Raises below this value.'),
  high: limitKey('Raises above this value.'),
  hysteresis: z.number().min(0).default(0).describe('Clears only this far inside low and high.'),
}
type OutsideRule = ValueRule & z.infer<z.ZodObject<typeof keys>>

export const outside: ValueCondition<OutsideRule> = {
  name: 'outside',
  description: 'raised when value < low or > high, cleared when low + hysteresis ≤ value ≤ high − hysteresis',
  watches: 'values',
  keys,
  fault: ({ low, high, hysteresis }) =>
    low + hysteresis > high - hysteresis ? 'low + hysteresis must not be more than high - hysteresis' : undefined,
  judge: ({ low, high, hysteresis }, scaling) =>
    judgeLimits({ setLow: low, setHigh: high, clearLow: low + hysteresis, clearHigh: high - hysteresis }, scaling),
  limit: (rule, value) => (isAbove(rule, value) ? rule.high : rule.low),
  text: (rule, facts) => crossing(isAbove(rule, facts.value) ? 'above' : 'below', facts),
}

function isAbove({ high }: OutsideRule, value: number | string | undefined): boolean {
  return typeof value === 'number' && value > high
}
