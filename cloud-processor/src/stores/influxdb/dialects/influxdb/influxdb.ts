/**
 * InfluxDB 2: a point written again takes the place of the first, field by field; asked in Flux. A write is acknowledged when
 * its write-ahead log is on disk, and is visible at once. InfluxDB 3 takes the same writes and is not asked here: it has no Flux.
 */
import type { QueryApi } from '@influxdata/influxdb-client'
import { type Engine, HttpFailure } from '../../engine.ts'
import { farFutureUs } from '../../limits.ts'
import type { Measurement } from '../../schema.ts'
import { type Dialect, isRefusal, type Row, replacing } from '../dialect.ts'
import { someRows } from '../some-rows.ts'
import { asColumns, countOf, type FluxRecord, rangeOf, rowsOf, toRow } from './flux.ts'
import { setUpBuckets } from './setup.ts'
import { askSteps } from './steps.ts'

export function influxdb(engine: Engine): Dialect {
  const { org, bucket } = engine.config
  const queries = engine.client.getQueryApi(org)
  const rows = async (measurement: Measurement, text: string): Promise<Row[]> =>
    (await collect(queries, text)).map((record) => toRow(measurement, record))
  const windows = {
    resolutionUs: 1,
    cheapPoints: 5000,
    count: async (query: Parameters<Dialect['rows']>[0]) =>
      (await collect(queries, countOf(bucket, query))).reduce((sum, { _value }) => sum + Number(_value), 0),
    all: (query: Parameters<Dialect['rows']>[0]) => rows(query.measurement, rowsOf(bucket, query)),
  }
  return {
    traits: replacing,
    writePath: `/api/v2/write?${new URLSearchParams({ org, bucket, precision: 'us' })}`,
    isRefusal,
    prepare: () => findBucket(engine),
    run: async () => '',
    settle: async () => {},
    rows: (query) => (query.atLeast ? windows.all(query) : someRows(query, windows)),
    newest: (measurement, where = {}) =>
      rows(measurement, `${rangeOf(bucket, { measurement, where, fromUs: 0, toUs: farFutureUs })} |> last() ${asColumns}`),
    steps: (query) => askSteps((text) => collect(queries, text), bucket, query),
    setUp: () => setUpBuckets(engine),
  }
}

/** A bucket that nobody has made yet holds nothing. */
async function collect(queries: QueryApi, text: string): Promise<FluxRecord[]> {
  try {
    return await queries.collectRows<FluxRecord>(text)
  } catch (cause) {
    if (`${cause}`.includes('could not find bucket')) return []
    throw cause
  }
}

async function findBucket(engine: Engine): Promise<void> {
  const { org, bucket } = engine.config
  const found = await engine.request('GET', `/api/v2/buckets?${new URLSearchParams({ org, name: bucket })}`).catch(toNothing)
  if (JSON.parse(found).buckets?.length !== 1) throw new Error(`there is no bucket ${bucket} of ${org}; run millrace setup`)
}

function toNothing(cause: unknown): string {
  if (cause instanceof HttpFailure && cause.status === 404) return '{}'
  throw cause
}
