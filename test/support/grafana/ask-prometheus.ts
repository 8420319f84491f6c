/** Questions to what speaks Prometheus' API, as Grafana's data source asks them. */
import type { Panel, Target } from './dashboard-files.ts'
import { type Choices, fillIn, inPromQl } from './variables.ts'

export interface Prometheus {
  address: string
  fromMs: number
  toMs: number
  /** `timeInterval` of the data source, seconds. */
  scrapeS: number
}

export interface Series {
  metric: Record<string, string>
  values: [number, string][]
}

/** Of a panel of usual width. */
const pointsMax = 800

/** @throws Error when the engine says no, answers with nothing, or lacks a label that the legend names. */
export async function askSeries(at: Prometheus, target: Target, choices: Choices): Promise<Series[]> {
  const series = await ask(at, target, choices)
  const known = series.filter(({ values }) => values.some(([, value]) => value !== 'NaN'))
  if (known.length === 0) throw new Error('the answer is empty')
  for (const [, label] of (target.legendFormat ?? '').matchAll(/\{\{(\w+)\}\}/g)) demandLabel(series, label!)
  return known
}

async function ask(at: Prometheus, target: Target, choices: Choices): Promise<Series[]> {
  const leastS = Number.parseInt(target.interval ?? `${at.scrapeS}`, 10)
  const stepS = Math.max(leastS, Math.ceil((at.toMs - at.fromMs) / 1000 / pointsMax))
  const rateS = Math.max(stepS + leastS, 4 * leastS)
  const rangeS = Math.round((at.toMs - at.fromMs) / 1000)
  const builtIn = { __interval: `${stepS}s`, __rate_interval: `${rateS}s`, __range: `${rangeS}s` }
  const query = fillIn(target.expr!, choices, inPromQl, builtIn)
  const [start, end] = [at.fromMs / 1000, at.toMs / 1000]
  return target.instant
    ? queryNow(at, query)
    : request(at, 'query_range', { query, start: `${start}`, end: `${end}`, step: `${stepS}` })
}

export function queryNow(at: Prometheus, query: string): Promise<Series[]> {
  return request(at, 'query', { query, time: `${at.toMs / 1000}` })
}

async function request({ address }: Prometheus, path: string, values: Record<string, string>): Promise<Series[]> {
  const response = await fetch(`${address}/api/v1/${path}`, {
    method: 'POST',
    body: new URLSearchParams({ ...values, nocache: '1' }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 300)} to ${values.query}`)
  const { resultType, result } = JSON.parse(text).data
  if (resultType === 'matrix') return result
  return result.map(({ metric, value }: { metric: Series['metric']; value: [number, string] }) => ({ metric, values: [value] }))
}

function demandLabel(series: Series[], label: string): void {
  if (!series.every(({ metric }) => label in metric)) throw new Error(`the label ${label} of the legend is not in every answer`)
}

/** @throws Error when a column is neither a label of an answer nor the value of one. */
export function demandColumns({ transformations, targets }: Panel, answers: Series[][]): void {
  const columns = transformations?.find(({ id }) => id === 'filterFieldsByName')?.options.include?.names ?? []
  const values = targets!.length === 1 ? ['Value'] : targets!.map(({ refId }) => `Value #${refId}`)
  const labels = answers.flat().flatMap(({ metric }) => Object.keys(metric))
  const known = new Set(['Time', ...values, ...labels])
  const unknown = columns.filter((column) => !known.has(column))
  if (unknown.length > 0) throw new Error(`no answer has a column ${unknown.join(', ')}`)
}
