import type { RollUp } from '../store.ts'

/** What a roll-up should be, worked out from the values of each step; a step without values has no place in it. */
export function plainRollUp(steps: Iterable<{ startMs: number; values: number[] }>): RollUp {
  const made: RollUp = { t: [], count: [], min: [], max: [], sum: [], last: [] }
  for (const { startMs, values } of steps) {
    if (values.length === 0) continue
    made.t.push(startMs)
    made.count.push(values.length)
    made.min.push(Math.min(...values))
    made.max.push(Math.max(...values))
    made.sum.push(values.reduce((a, b) => a + b))
    made.last.push(values.at(-1)!)
  }
  return made
}
