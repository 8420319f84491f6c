/** Roll-ups by MetricsQL: a window of one step, looked back upon from the last millisecond of each step. */
import type { RollUp } from '../../../store.ts'
import { reading, revisionTag } from '../../schema.ts'
import type { StepQuery } from '../dialect.ts'
import type { Asking, Labels } from './asking.ts'

/** The engine refuses a question for more than 30,000 values of a series. */
const stepsAtOnce = 10_000
/** More questions than this are dearer than the points. */
const stepsMax = 20 * stepsAtOnce
/** A window that reaches back to 1970 is answered with nothing. */
const earliestMs = 86_400_000

type Column = keyof Omit<RollUp, 't'>
const columns: Column[] = ['count', 'min', 'max', 'sum', 'last']
const functions = columns.map((column) => `${column}_over_time`)

export async function askSteps(asking: Asking, query: StepQuery): Promise<RollUp | undefined> {
  const { where, fromMs, toMs, stepMs } = query
  const made: RollUp = { t: [], count: [], min: [], max: [], sum: [], last: [] }
  if (fromMs < earliestMs || (toMs - fromMs) / stepMs > stepsMax || !(await areNumbersAlone(asking, query))) return undefined
  const values = asking.selector(reading, ['value'], where)
  const rollUp = (windowMs: number) =>
    `aggr_over_time((${functions.map((name) => JSON.stringify(name)).join(',')}),${values}[${windowMs}ms])`
  const wholeMs = Math.floor((toMs - fromMs) / stepMs) * stepMs
  for (let startMs = fromMs; startMs < fromMs + wholeMs; startMs += stepsAtOnce * stepMs) {
    const endMs = Math.min(fromMs + wholeMs, startMs + stepsAtOnce * stepMs)
    const time = { fromMs: startMs + stepMs - 1, toMs: endMs - 1, stepMs }
    append(made, await asking.range(rollUp(stepMs), time), stepMs)
  }
  // The last step may be cut by the end of the time.
  const restMs = toMs - fromMs - wholeMs
  if (restMs === 0) return made
  const last = await asking.now(rollUp(restMs), toMs - 1)
  append(
    made,
    last.map(({ metric, value }) => ({ metric, values: [value] })),
    restMs,
  )
  return made
}

async function areNumbersAlone(asking: Asking, { where, fromMs, toMs }: StepQuery): Promise<boolean> {
  const all = asking.selector(reading, ['value', 'flag', 'raw'], where)
  const found = await asking.now(`count_over_time(${all}[${toMs - fromMs}ms]) keep_metric_names`, toMs - 1)
  return found.every(({ metric }) => metric.__name__ === `${reading.name}_value` && metric[revisionTag] === undefined)
}

/** Every function has a value at the same times. */
function append(made: RollUp, matrix: { metric: Labels; values: [seconds: number, value: string][] }[], windowMs: number): void {
  for (const { metric, values } of matrix) {
    const column = columns.find((_, k) => functions[k] === metric.rollup)!
    for (const [seconds, value] of values) {
      if (column === 'count') made.t.push(Math.round(seconds * 1000) - windowMs + 1)
      made[column].push(Number(value))
    }
  }
}
