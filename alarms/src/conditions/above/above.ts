/** Raised by a value above `set`, cleared by one at `clear` or below. */
import type { ValueCondition } from '../condition.ts'
import { type LevelRule, levelKeys, overrideLevel } from '../level.ts'
import { judgeLimits, noLimits } from '../limits.ts'
import { crossing } from '../words.ts'

export const above: ValueCondition<LevelRule> = {
  name: 'above',
  description: 'raised when value > set, cleared when value ≤ clear',
  watches: 'values',
  keys: levelKeys,
  fault: ({ set, clear = set }) => (clear > set ? 'clear must not be more than set' : undefined),
  override: overrideLevel,
  judge: ({ set, clear = set }, scaling) => judgeLimits({ ...noLimits, setHigh: set, clearHigh: clear }, scaling),
  limit: ({ set }) => set,
  text: (_rule, facts) => crossing('above', facts),
}
