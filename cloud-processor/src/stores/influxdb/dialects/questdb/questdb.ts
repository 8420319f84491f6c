/**
 * QuestDB: a table for each measurement, asked in SQL over HTTP. A point written again takes the place of the first only in
 * tables made with DEDUP UPSERT KEYS, so the tables are made here and never by a write.
 *
 * A write is acknowledged from its write-ahead log, which a kill of the process does not lose (a power cut can, unless
 * `cairo.commit.mode=sync`), and becomes visible a moment later.
 */
import { type Engine, HttpFailure } from '../../engine.ts'
import { type FieldKind, type Measurement, measurements, reading } from '../../schema.ts'
import type { Dialect, Row, RowQuery, Traits } from '../dialect.ts'

const traits: Traits = {
  precision: 'us',
  resolutionMs: 0.001,
  text: 'field',
  replaces: true,
  futureMsMax: Number.POSITIVE_INFINITY,
  durableAfterMs: 0,
  visibleAfterMs: 0,
}

const columnTypes: Record<FieldKind, string> = { float: 'DOUBLE', integer: 'LONG', text: 'VARCHAR', boolean: 'BOOLEAN' }
const visibleWithinMs = 30_000

interface Answer {
  columns: { name: string }[]
  dataset: (string | number | boolean | null)[][]
}

export function questdb(engine: Engine): Dialect {
  async function ask(sql: string): Promise<Answer> {
    return JSON.parse(await engine.request('GET', `/exec?query=${encodeURIComponent(sql)}`))
  }

  /** A table that nobody has made yet holds nothing. */
  async function rowsOf(measurement: Measurement, sql: string): Promise<Row[]> {
    try {
      const { columns, dataset } = await ask(sql)
      return dataset.map((values) => toRow(measurement, columns, values))
    } catch (cause) {
      if (cause instanceof HttpFailure && cause.body.includes('table does not exist')) return []
      throw cause
    }
  }

  return {
    traits,
    writePath: '/api/v2/write?precision=us',
    isRefusal: ({ status }) => status === 400 || status === 413 || status === 422,
    async prepare() {
      for (const measurement of Object.values(measurements)) {
        await ask(createTable(measurement))
        const { dataset } = await ask(`SELECT dedup FROM tables() WHERE table_name = '${measurement.name}'`)
        if (dataset[0]?.[0] !== true)
          throw new Error(`table ${measurement.name} was made without DEDUP UPSERT KEYS; run millrace setup`)
      }
    },
    run: async () => '',
    async settle() {
      for (const endMs = performance.now() + visibleWithinMs; ; ) {
        const { dataset } = await ask('SELECT name, suspended, writerTxn, sequencerTxn FROM wal_tables()')
        const suspended = dataset.find((row) => row[1] === true)
        if (suspended) throw new Error(`table ${suspended[0]} is suspended: ALTER TABLE '${suspended[0]}' RESUME WAL`)
        if (dataset.every((row) => row[2] === row[3])) return
        if (performance.now() > endMs) throw new Error(`writes are not visible after ${visibleWithinMs} ms`)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    rows: (query) => rowsOf(query.measurement, select(query)),
    newest(measurement, where = {}) {
      const tags = measurement.tags.map((tag) => `"${tag}"`).join(', ')
      const filter = Object.keys(where).length > 0 ? ` WHERE ${conditions(where).join(' AND ')}` : ''
      return rowsOf(
        measurement,
        `SELECT ${columnsOf(measurement)} FROM ${measurement.name}${filter} LATEST ON time PARTITION BY ${tags}`,
      )
    },
    async setUp() {
      const done: string[] = []
      const { retentionDays, rollUpDays } = engine.config
      for (const measurement of Object.values(measurements)) {
        await ask(createTable(measurement))
        const keys = ['time', ...measurement.tags].map((key) => `"${key}"`).join(', ')
        await ask(`ALTER TABLE ${measurement.name} DEDUP ENABLE UPSERT KEYS(${keys})`)
        if (retentionDays > 0) await ask(`ALTER TABLE ${measurement.name} SET TTL ${retentionDays} DAYS`)
        done.push(`table ${measurement.name}: replaces by (${['time', ...measurement.tags].join(', ')})`)
      }
      await ask(minutesView)
      if (rollUpDays > 0) await ask(`ALTER MATERIALIZED VIEW ${minutesName} SET TTL ${rollUpDays} DAYS`)
      done.push(`materialized view ${minutesName}: count, mean, min, max and last of each minute`)
      return done
    },
  }
}

const minutesName = `${reading.name}_1m`
const minutesView = `CREATE MATERIALIZED VIEW IF NOT EXISTS ${minutesName} AS (
  SELECT time, device, channel, count(value) AS count, avg(value) AS mean, min(value) AS min, max(value) AS max, last(value) AS last
  FROM ${reading.name} SAMPLE BY 1m) PARTITION BY DAY`

function createTable({ name, tags, fields }: Measurement): string {
  const columns = [
    'time TIMESTAMP',
    ...tags.map((tag) => `"${tag}" SYMBOL`),
    ...Object.entries(fields).map(([field, kind]) => `"${field}" ${columnTypes[kind]}`),
  ]
  const keys = ['time', ...tags].map((key) => `"${key}"`).join(', ')
  return `CREATE TABLE IF NOT EXISTS ${name} (${columns.join(', ')}) TIMESTAMP(time) PARTITION BY DAY WAL DEDUP UPSERT KEYS(${keys})`
}

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`
const conditions = (where: Record<string, string>) => Object.entries(where).map(([tag, value]) => `"${tag}" = ${quote(value)}`)

function columnsOf({ tags, fields }: Measurement): string {
  return ['cast(time AS LONG) AS us', ...[...tags, ...Object.keys(fields)].map((name) => `"${name}"`)].join(', ')
}

function select({ measurement, where, fromUs, toUs, limit, newestFirst }: RowQuery): string {
  const filter = [...conditions(where), `time >= ${fromUs}`, `time <= ${toUs}`].join(' AND ')
  const most = newestFirst === undefined ? (limit === undefined ? '' : ` LIMIT ${limit}`) : ` LIMIT -${newestFirst}`
  return `SELECT ${columnsOf(measurement)} FROM ${measurement.name} WHERE ${filter} ORDER BY time${most}`
}

/** A boolean column has no null: it says something only where the row has no other value. */
function toRow({ fields }: Measurement, columns: Answer['columns'], cells: Answer['dataset'][number]): Row {
  const row: Row = { us: Number(cells[0]), values: {} }
  for (let k = 1; k < cells.length; k++) {
    const value = cells[k]
    if (value !== null && value !== undefined) row.values[columns[k]!.name] = value
  }
  if (fields.flag && (row.values.value !== undefined || row.values.text !== undefined)) delete row.values.flag
  return row
}
