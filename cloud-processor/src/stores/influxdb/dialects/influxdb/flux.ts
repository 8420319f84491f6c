/** Questions in Flux, and rows from its answers. */
import { flux, fluxString } from '@influxdata/influxdb-client'
import type { Measurement } from '../../schema.ts'
import type { Row, RowQuery } from '../dialect.ts'

export type FluxRecord = Record<string, string | number | boolean | null>

export const asColumns =
  '|> drop(columns: ["_start", "_stop"]) |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'

/** The end of a range is not included in Flux, and is here. */
export function rangeOf(bucket: string, { measurement, where, fromUs, toUs }: RowQuery): string {
  const tags = Object.entries(where).map(([tag, value]) => ` and r[${fluxString(tag)}] == ${fluxString(value)}`)
  return `${flux`from(bucket: ${bucket})`} |> range(start: ${timeOf(fromUs)}, stop: ${timeOf(toUs + 1)})
    |> filter(fn: (r) => r._measurement == ${fluxString(measurement.name)}${tags.join('')})`
}

export function rowsOf(bucket: string, query: RowQuery): string {
  const { atLeast, limit } = query
  const field = atLeast && `r[${fluxString(atLeast.field)}]`
  const least = atLeast ? `|> filter(fn: (r) => ${field} >= ${atLeast.value} or ${field} == 0)` : ''
  const most = atLeast && limit !== undefined ? `|> limit(n: ${limit})` : ''
  return `${rangeOf(bucket, query)} ${asColumns} ${least} |> group() |> sort(columns: ["_time"]) ${most}`
}

/** One number for each series: the engine counts without reading them into the query. */
export const countOf = (bucket: string, query: RowQuery): string =>
  `${rangeOf(bucket, query)} |> count() |> keep(columns: ["_value"]) |> group()`

function timeOf(us: number): string {
  const ms = Math.floor(us / 1000)
  return `${new Date(ms).toISOString().slice(0, -1)}${`${us - ms * 1000}`.padStart(3, '0')}Z`
}

/** `2026-10-01T12:00:00.000123Z`, with as many digits as it needs. */
export function usOf(time: string): number {
  const digits = /\.(\d+)Z$/.exec(time)?.[1] ?? ''
  return Date.parse(`${time.slice(0, 19)}Z`) * 1000 + Number(digits.padEnd(6, '0').slice(0, 6))
}

export function toRow({ tags, fields }: Measurement, record: FluxRecord): Row {
  const row: Row = { us: usOf(`${record._time}`), values: {} }
  for (const name of [...tags, ...Object.keys(fields)]) {
    const value = record[name]
    if (value !== null && value !== undefined) row.values[name] = value
  }
  return row
}
