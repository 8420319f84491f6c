/** The conditions. Adding one is one line here; see condition.ts. */
import { above } from './above/above.ts'
import { absent } from './absent/absent.ts'
import { below } from './below/below.ts'
import type { Condition } from './condition.ts'
import { equals } from './equals/equals.ts'
import { outside } from './outside/outside.ts'

export type { Condition, Judge, SilenceCondition, ValueCondition } from './condition.ts'

/** In the order of the reference page. */
export const conditions: Condition[] = [below, above, outside, equals, absent]

const byName = new Map(conditions.map((condition) => [condition.name, condition]))

/** The schema of the rule file lets pass no rule whose condition is not in the list. */
export function conditionOf({ condition }: { condition: string }): Condition {
  return byName.get(condition)!
}
