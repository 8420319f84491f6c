/** The conditions. Adding one is one line here; see condition.ts. */
import { above } from './above/above.ts'
import { absent } from './absent/absent.ts'
import { below } from './below/below.ts'
import { change } from './change/change.ts'
import type { Condition } from './condition.ts'
import { deviation } from './deviation/deviation.ts'
import { equals } from './equals/equals.ts'
import { expression } from './expression/expression.ts'
import { forecast } from './forecast/forecast.ts'
import { inside } from './inside/inside.ts'
import { mOfN } from './m-of-n/m-of-n.ts'
import { outside } from './outside/outside.ts'
import { rate } from './rate/rate.ts'
import { score } from './score/score.ts'
import { stuck } from './stuck/stuck.ts'

export type { Condition, Judge, MemoryCondition, ScoreCondition, SilenceCondition, ValueCondition } from './condition.ts'

/** In the order of the reference page. */
export const conditions: Condition[] = [
  below,
  above,
  outside,
  inside,
  equals,
  rate,
  change,
  stuck,
  mOfN,
  deviation,
  forecast,
  score,
  expression,
  absent,
]

const byName = new Map(conditions.map((condition) => [condition.name, condition]))

/** The schema of the rule file lets pass no rule whose condition is not in the list. */
export function conditionOf({ condition }: { condition: string }): Condition {
  return byName.get(condition)!
}
