/** One level that raises and one that clears: what `below` and `above` share. */
import type { z } from 'zod'
import type { Override, ValueRule } from '../rule.ts'
import { limitKey } from './limits.ts'

export const levelKeys = {
  set: limitKey('Raises beyond this value.'),
  clear: limitKey('Clears at or past this value; default `set`.').optional(),
}

export type LevelRule = ValueRule & z.infer<z.ZodObject<typeof levelKeys>>

/** A `set` of its own makes the rule's `clear` meaningless, unless the entry gives one too. */
export function overrideLevel(rule: LevelRule, override: Override & Partial<LevelRule>): LevelRule {
  return { ...rule, ...('set' in override ? { clear: undefined } : {}), ...override }
}
