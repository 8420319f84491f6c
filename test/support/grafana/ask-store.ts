/** Questions in SQL and Flux, with variables and macros put in as Grafana's data sources of PostgreSQL and InfluxDB do. */
import type { Target } from './dashboard-files.ts'
import { type Choices, fillIn } from './variables.ts'

export interface AskedStore {
  address: string
  fromMs: number
  toMs: number
  /** Of InfluxDB. */
  setup?: { org: string; bucket: string; token: string }
}

export type Rows = Record<string, string | number | boolean | null>[]

const intervalS = 2

/** @throws Error when the engine says no, or answers with nothing. */
export async function askStore(
  at: AskedStore,
  { rawSql, query, format }: Pick<Target, 'rawSql' | 'query' | 'format'>,
  choices: Choices,
) {
  const rows =
    rawSql === undefined ? await askFlux(at, inFlux(at, query!, choices)) : await askSql(at, inSql(at, rawSql, choices))
  if (rows.length === 0) throw new Error('the answer is empty')
  if (format === 'time_series' && !('time' in rows[0]!)) throw new Error('a line has no column time')
  return rows
}

function inSql({ fromMs, toMs }: AskedStore, sql: string, choices: Choices): string {
  const time = (ms: number) => `'${new Date(ms).toISOString()}'`
  const macros = sql
    .replaceAll('$__timeFilter(time)', `time BETWEEN ${time(fromMs)} AND ${time(toMs)}`)
    .replaceAll('$__timeTo()', time(toMs))
    .replaceAll('$__interval', `${intervalS}s`)
  const quoted = (name: string) =>
    valuesOf(choices, name)
      .map((one) => `'${one.replaceAll("'", "''")}'`)
      .join(',')
  return plain(
    macros.replace(/\$\{(\w+):sqlstring\}/g, (_, name) => quoted(name)),
    choices,
  )
}

function inFlux({ fromMs, toMs, setup }: AskedStore, flux: string, choices: Choices): string {
  const variables = flux
    .replaceAll('v.defaultBucket', JSON.stringify(setup!.bucket))
    .replaceAll('v.timeRangeStart', new Date(fromMs).toISOString())
    .replaceAll('v.timeRangeStop', new Date(toMs).toISOString())
    .replaceAll('v.windowPeriod', `${intervalS}s`)
  const escaped = (one: string) => one.replace(/[\\^$*+?.()|[\]{}/]/g, '\\$&')
  const pattern = (name: string) => {
    const values = valuesOf(choices, name).map(escaped)
    return values.length === 1 ? values[0]! : `(${values.join('|')})`
  }
  return plain(
    variables.replace(/\$\{(\w+):regex\}/g, (_, name) => pattern(name)),
    choices,
  )
}

const valuesOf = (choices: Choices, name: string) => [choices.get(name)!.value].flat()
/** A dollar at the end of a pattern is none of a variable's. */
const plain = (text: string, choices: Choices) => fillIn(text, choices, ({ value }) => `${value}`, {})

async function askSql({ address }: AskedStore, sql: string): Promise<Rows> {
  const response = await fetch(`${address}/exec?query=${encodeURIComponent(sql)}`)
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 300)} to ${sql}`)
  const { columns, dataset } = JSON.parse(text) as { columns: { name: string }[]; dataset: Rows[number][string][][] }
  return dataset.map((cells) => Object.fromEntries(cells.map((cell, k) => [columns[k]!.name, cell])))
}

async function askFlux({ address, setup }: AskedStore, query: string): Promise<Rows> {
  const response = await fetch(`${address}/api/v2/query?org=${setup!.org}`, {
    method: 'POST',
    headers: { authorization: `Token ${setup!.token}`, 'content-type': 'application/json', accept: 'application/csv' },
    body: JSON.stringify({ query, type: 'flux', dialect: { header: true, annotations: [] } }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 300)} to ${query}`)
  // Tables with other columns are separated by an empty line. Nothing here holds a comma.
  return text
    .trim()
    .split(/\r?\n\r?\n/)
    .flatMap((table) => {
      const [head = '', ...lines] = table.split(/\r?\n/)
      const names = head.split(',')
      return lines.map((line) => Object.fromEntries(line.split(',').map((cell, k) => [names[k]!, cell])))
    })
}
