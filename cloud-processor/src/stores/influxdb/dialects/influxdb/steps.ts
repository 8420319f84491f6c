/** Roll-ups in Flux: one result for each function, of which the engine reads the first four without sending points to the query. */
import type { RollUp } from '../../../store.ts'
import { reading } from '../../schema.ts'
import type { StepQuery } from '../dialect.ts'
import { type FluxRecord, rangeOf, usOf } from './flux.ts'

type Ask = (flux: string) => Promise<FluxRecord[]>
type Column = keyof Omit<RollUp, 't'>

const functions: Column[] = ['count', 'min', 'max', 'sum', 'last']

export async function askSteps(ask: Ask, bucket: string, query: StepQuery): Promise<RollUp | undefined> {
  if (!(await areNumbersAlone(ask, bucket, query))) return undefined
  const columns = await Promise.all(functions.map((fn) => ask(stepsOf(bucket, query, fn))))
  const made: RollUp = { t: [], count: [], min: [], max: [], sum: [], last: [] }
  made.t = columns[0]!.map(({ _time }) => usOf(`${_time}`) / 1000)
  for (const [k, fn] of functions.entries()) made[fn] = columns[k]!.map(({ _value }) => Number(_value))
  return made
}

async function areNumbersAlone(ask: Ask, bucket: string, query: StepQuery): Promise<boolean> {
  const counted = `${range(bucket, query)} |> filter(fn: (r) => r._field != "value" and r._field != "quality") |> count() |> group()`
  return (await ask(counted)).length === 0
}

function stepsOf(bucket: string, query: StepQuery, fn: Column): string {
  const { stepMs, fromMs } = query
  const every = `every: ${stepMs}ms, offset: ${fromMs % stepMs}ms`
  return `${range(bucket, query)} |> filter(fn: (r) => r._field == "value")
    |> aggregateWindow(${every}, fn: ${fn}, createEmpty: false, timeSrc: "_start")
    |> keep(columns: ["_time", "_value"]) |> group() |> sort(columns: ["_time"])`
}

const range = (bucket: string, { where, fromMs, toMs }: StepQuery) =>
  rangeOf(bucket, { measurement: reading, where, fromUs: fromMs * 1000, toUs: toMs * 1000 - 1 })
