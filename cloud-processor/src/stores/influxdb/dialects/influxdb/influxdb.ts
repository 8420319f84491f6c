/**
 * InfluxDB 2: a point written again takes the place of the first, field by field; asked in Flux. A write is acknowledged when
 * its write-ahead log is on disk, and is visible at once. InfluxDB 3 takes the same writes and is not asked here: it has no Flux.
 */
import { flux, fluxString } from '@influxdata/influxdb-client'
import { type Engine, HttpFailure } from '../../engine.ts'
import { farFutureUs } from '../../limits.ts'
import type { Measurement } from '../../schema.ts'
import type { Dialect, Row, RowQuery, Traits } from '../dialect.ts'
import { setUpBuckets } from './setup.ts'

const traits: Traits = {
  precision: 'us',
  resolutionMs: 0.001,
  text: 'field',
  replaces: true,
  futureMsMax: Number.POSITIVE_INFINITY,
  durableAfterMs: 0,
  visibleAfterMs: 0,
}

type Record_ = Record<string, string | number | boolean | null>

export function influxdb(engine: Engine): Dialect {
  const { org, bucket } = engine.config
  const queries = engine.client.getQueryApi(org)

  async function ask(measurement: Measurement, text: string): Promise<Row[]> {
    try {
      return (await queries.collectRows<Record_>(text)).map((record) => toRow(measurement, record))
    } catch (cause) {
      // A bucket that nobody has made yet holds nothing.
      if (`${cause}`.includes('could not find bucket')) return []
      throw cause
    }
  }

  return {
    traits,
    writePath: `/api/v2/write?${new URLSearchParams({ org, bucket, precision: 'us' })}`,
    isRefusal: ({ status }) => status === 400 || status === 413 || status === 422,
    async prepare() {
      const found = await engine.request('GET', `/api/v2/buckets?${new URLSearchParams({ org, name: bucket })}`).catch(toNothing)
      if (JSON.parse(found).buckets?.length !== 1) throw new Error(`there is no bucket ${bucket} of ${org}; run millrace setup`)
    },
    run: async () => '',
    settle: async () => {},
    rows: (query) => ask(query.measurement, select(bucket, query)),
    newest: (measurement, where = {}) =>
      ask(measurement, `${from(bucket, measurement, where, 0, farFutureUs)} |> last() ${asColumns}`),
    setUp: () => setUpBuckets(engine),
  }
}

function toNothing(cause: unknown): string {
  if (cause instanceof HttpFailure && cause.status === 404) return '{}'
  throw cause
}

const asColumns =
  '|> drop(columns: ["_start", "_stop"]) |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'

/** The end of a range is not included. */
function from(bucket: string, { name }: Measurement, where: Record<string, string>, fromUs: number, toUs: number): string {
  const tags = Object.entries(where).map(([tag, value]) => ` and r[${fluxString(tag)}] == ${fluxString(value)}`)
  return `${flux`from(bucket: ${bucket})`} |> range(start: ${timeOf(fromUs)}, stop: ${timeOf(toUs + 1)})
    |> filter(fn: (r) => r._measurement == ${fluxString(name)}${tags.join('')})`
}

function select(bucket: string, { measurement, where, fromUs, toUs, limit, newestFirst }: RowQuery): string {
  const order = newestFirst === undefined ? '' : ', desc: true'
  const most = newestFirst ?? limit
  const ordered = `|> group() |> sort(columns: ["_time"]${order}) ${most === undefined ? '' : `|> limit(n: ${most})`}`
  const back = newestFirst === undefined ? '' : '|> sort(columns: ["_time"])'
  return `${from(bucket, measurement, where, fromUs, toUs)} ${asColumns} ${ordered} ${back}`
}

function timeOf(us: number): string {
  const ms = Math.floor(us / 1000)
  return `${new Date(ms).toISOString().slice(0, -1)}${`${us - ms * 1000}`.padStart(3, '0')}Z`
}

/** `2026-10-01T12:00:00.000123Z`, with as many digits as it needs. */
function usOf(time: string): number {
  const digits = /\.(\d+)Z$/.exec(time)?.[1] ?? ''
  return Date.parse(`${time.slice(0, 19)}Z`) * 1000 + Number(digits.padEnd(6, '0').slice(0, 6))
}

function toRow({ tags, fields }: Measurement, record: Record_): Row {
  const row: Row = { us: usOf(`${record._time}`), values: {} }
  for (const name of [...tags, ...Object.keys(fields)]) {
    const value = record[name]
    if (value !== null && value !== undefined) row.values[name] = value
  }
  return row
}
