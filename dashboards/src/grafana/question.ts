/**
 * A question to the store in the language of each engine that it may be in. Variables are spelled as Grafana's data source of the
 * engine puts them there: `${name:sqlstring}` quoted and with commas, `${name:regex}` as a pattern.
 */
import type { Measurement } from '@millrace/cloud-processor/stores/influxdb-schema'
import type { SourceRef } from './sources.ts'

/** In SQL and Flux a table: labels as columns, `time` where it is a line, and a number, which is called `Value`. */
export interface Question {
  promql: string
  sql: string
  flux: string
}

export type Language = keyof Question

const languages: Record<string, Language> = { prometheus: 'promql', 'grafana-postgresql-datasource': 'sql', influxdb: 'flux' }

/** Documents are asked otherwise. */
export function languageOf({ type }: SourceRef): Language {
  return languages[type]!
}

type Conditions = Record<string, string | undefined>

/** Of `="text"`, `="$name"` and `=~"$name"`; conditions on revisions are VictoriaMetrics' own. */
function conditionsOf(where: Conditions): { label: string; variable?: string; text?: string }[] {
  return Object.entries(where).flatMap(([label, condition]) => {
    const [, variable, text] = /^=~?"(?:\$(\w+)|(.*))"$/.exec(condition ?? '') ?? []
    if (label === 'rev') return []
    return [variable === undefined ? { label, text: text ?? '' } : { label, variable }]
  })
}

export function inSql(where: Conditions): string[] {
  return conditionsOf(where).map(({ label, variable, text }) =>
    variable === undefined ? `${label} = '${text}'` : `${label} IN (\${${variable}:sqlstring})`,
  )
}

function inFlux(where: Conditions): string {
  return conditionsOf(where)
    .map(({ label, variable, text }) =>
      variable === undefined ? ` and r.${label} == "${text}"` : ` and r.${label} =~ /^\${${variable}:regex}$/`,
    )
    .join('')
}

/** `ever`: up to the end of the time shown. */
export type Span = 'ever' | 'shown'

/** Points of fields, oldest first. */
export function fluxOf({ name }: Measurement, fields: string[], where: Conditions, span: Span): string {
  const start = span === 'ever' ? '0' : 'v.timeRangeStart'
  const named = fields.map((field) => `r._field == "${field}"`).join(' or ')
  return `from(bucket: v.defaultBucket) |> range(start: ${start}, stop: v.timeRangeStop) |> filter(fn: (r) => r._measurement == "${name}" and (${named})${inFlux(where)})`
}

/** Some names are words of SQL. */
export const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')

/** The newest row of every set of tags. */
export function sqlNewest({ name, tags }: Measurement, where: Conditions, span: Span): string {
  const time = span === 'ever' ? 'time <= $__timeTo()' : '$__timeFilter(time)'
  return `(SELECT * FROM ${name} WHERE ${[time, ...inSql(where)].join(' AND ')} LATEST ON time PARTITION BY ${quoted(tags)})`
}

/** The end of a table in Flux. */
export const fluxTable = (by: string[]) => `|> keep(columns: ${JSON.stringify([...by, '_value'])}) |> group()`

export interface Newest {
  of: Measurement
  /** Summed, row by row. */
  fields: string[]
  by: string[]
  fold: 'sum' | 'max' | 'count'
  span: Span
  isAbsolute?: boolean
}

/** Of the newest rows a number for each value of `by`. */
export function newestRows(promql: string, { of, fields, by, fold, span, isAbsolute }: Newest, where: Conditions): Question {
  const sum = fields.join(' + ')
  const amount = isAbsolute ? `abs(${sum})` : sum
  const labels = by.map((label) => `${label}, `).join('')
  const absolute = isAbsolute ? '|> map(fn: (r) => ({ r with _value: if r._value < 0 then -r._value else r._value }))' : ''
  return {
    promql,
    sql: `SELECT ${labels}${fold}(${amount}) AS "Value" FROM ${sqlNewest(of, where, span)}${by.length > 0 ? ` GROUP BY ${by.join(', ')}` : ''}`,
    flux: `${fluxOf(of, fields, where, span)} |> last() ${absolute} |> group(columns: ${JSON.stringify(by)}) |> ${fold}() ${fluxTable(by)}`,
  }
}

export interface Steps {
  of: Measurement
  field: string
  by: string[]
  over: 'avg' | 'last' | 'min' | 'max'
}

const fluxFunctions = { avg: 'mean', last: 'last', min: 'min', max: 'max' }

/** Of each step that holds anything, a number for each value of `by`. */
export function overSteps(promql: string, { of, field, by, over }: Steps, where: Conditions): Question {
  const isFlag = (of.fields as Record<string, string>)[field] === 'boolean'
  // QuestDB's booleans have no null: a row is a flag where it has neither number nor text.
  const value = isFlag ? `cast(${over}(cast(${field} AS INT)) AS DOUBLE)` : `${over}(${field})`
  const held = isFlag ? ['value IS NULL', 'text IS NULL'] : [`${field} IS NOT NULL`]
  const filter = ['$__timeFilter(time)', ...inSql(where), ...held].join(' AND ')
  const number = isFlag ? '|> toInt()' : ''
  return {
    promql,
    sql: `SELECT time, ${by.join(', ')}, ${value} AS "Value" FROM ${of.name} WHERE ${filter} SAMPLE BY $__interval`,
    flux: `${fluxOf(of, [field], where, 'shown')} ${number} |> group(columns: ${JSON.stringify(by)}) |> aggregateWindow(every: v.windowPeriod, fn: ${fluxFunctions[over]}, createEmpty: false)`,
  }
}
