/** Raised by a value below `set`, cleared by one at `clear` or above. */
import type { ValueCondition } from '../condition.ts'
import { type LevelRule, levelKeys, overrideLevel } from '../level.ts'
import { judgeLimits, noLimits } from '../limits.ts'
import { crossing } from '../words.ts'

export const below: ValueCondition<LevelRule> = {
  name: 'below',
  description: 'raised when value < set, cleared when value ≥ clear',
  watches: 'values',
  keys: levelKeys,
  fault: ({ set, clear = set }) => (clear < set ? 'clear must not be less than set' : undefined),
  override: overrideLevel,
  judge: ({ set, clear = set }, scaling) => judgeLimits({ ...noLimits, setLow: set, clearLow: clear }, scaling),
  limit: ({ set }) => set,
  text: (_rule, facts) => crossing('below', facts),
}
