/** Raised by a value below `low` or above `high`, cleared by one that is `hysteresis` inside both. */
import { z } from 'zod'
import type { ValueRule } from '../../rule.ts'
import type { ValueCondition } from '../condition.ts'
import { judgeLimits, limitKey } from '../limits.ts'
import { isAbove, limitBeyond, rangeFault, rangeLimits } from '../range.ts'
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
  fault: rangeFault,
  judge: (rule, scaling) => judgeLimits(rangeLimits(rule), scaling),
  limit: limitBeyond,
  text: (rule, facts) => crossing(isAbove(rule, facts.value) ? 'above' : 'below', facts),
}
