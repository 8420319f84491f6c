/**
 * QuestDB: a table for each measurement, asked in SQL over HTTP. A point written again takes the place of the first only in
 * tables made with DEDUP UPSERT KEYS, so the tables are made here and never by a write.
 *
 * A write is acknowledged from its write-ahead log, which a kill of the process does not lose (a power cut can, unless
 * `cairo.commit.mode=sync`), and becomes visible a moment later.
 */
import type { RollUp } from '../../../store.ts'
import { type Engine, HttpFailure } from '../../engine.ts'
import { type Measurement, reading } from '../../schema.ts'
import { type Dialect, isRefusal, type Row, type RowQuery, replacing, type StepQuery } from '../dialect.ts'
import { type Answer, ask, makeTables, setUpTables } from './tables.ts'

const visibleWithinMs = 30_000

export function questdb(engine: Engine): Dialect {
  return {
    traits: replacing,
    writePath: '/api/v2/write?precision=us',
    isRefusal,
    prepare: () => makeTables(engine),
    run: async () => '',
    settle: () => untilVisible(engine),
    rows: (query) => rowsOf(engine, query.measurement, select(query)),
    newest: (measurement, where = {}) => rowsOf(engine, measurement, selectNewest(measurement, where)),
    steps: (query) => askSteps(engine, query),
    setUp: () => setUpTables(engine),
  }
}

async function untilVisible(engine: Engine): Promise<void> {
  for (const endMs = performance.now() + visibleWithinMs; ; ) {
    const { dataset } = await ask(engine, 'SELECT name, suspended, writerTxn, sequencerTxn FROM wal_tables()')
    const suspended = dataset.find((row) => row[1] === true)
    if (suspended) throw new Error(`table ${suspended[0]} is suspended: ALTER TABLE '${suspended[0]}' RESUME WAL`)
    if (dataset.every((row) => row[2] === row[3])) return
    if (performance.now() > endMs) throw new Error(`writes are not visible after ${visibleWithinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A table that nobody has made yet holds nothing. */
async function answerOf(engine: Engine, sql: string): Promise<Answer> {
  try {
    return await ask(engine, sql)
  } catch (cause) {
    if (cause instanceof HttpFailure && cause.body.includes('table does not exist')) return { columns: [], dataset: [] }
    throw cause
  }
}

async function rowsOf(engine: Engine, measurement: Measurement, sql: string): Promise<Row[]> {
  const { columns, dataset } = await answerOf(engine, sql)
  return dataset.map((values) => toRow(measurement, columns, values))
}

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`
const conditions = (where: Record<string, string>) => Object.entries(where).map(([tag, value]) => `"${tag}" = ${quote(value)}`)

function columnsOf({ tags, fields }: Measurement): string {
  return ['cast(time AS LONG) AS us', ...[...tags, ...Object.keys(fields)].map((name) => `"${name}"`)].join(', ')
}

function select({ measurement, where, fromUs, toUs, limit, newestFirst, atLeast }: RowQuery): string {
  const least = atLeast ? [`("${atLeast.field}" >= ${atLeast.value} OR "${atLeast.field}" = 0)`] : []
  const filter = [...conditions(where), `time >= ${fromUs}`, `time <= ${toUs}`, ...least].join(' AND ')
  const most = newestFirst === undefined ? (limit === undefined ? '' : ` LIMIT ${limit}`) : ` LIMIT -${newestFirst}`
  return `SELECT ${columnsOf(measurement)} FROM ${measurement.name} WHERE ${filter} ORDER BY time${most}`
}

function selectNewest(measurement: Measurement, where: Record<string, string>): string {
  const tags = measurement.tags.map((tag) => `"${tag}"`).join(', ')
  const filter = Object.keys(where).length > 0 ? ` WHERE ${conditions(where).join(' AND ')}` : ''
  return `SELECT ${columnsOf(measurement)} FROM ${measurement.name}${filter} LATEST ON time PARTITION BY ${tags}`
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

async function askSteps(engine: Engine, { where, fromMs, toMs, stepMs }: StepQuery): Promise<RollUp | undefined> {
  const [fromUs, stepUs] = [fromMs * 1000, stepMs * 1000]
  const filter = [...conditions(where), `time >= ${fromUs}`, `time < ${toMs * 1000}`].join(' AND ')
  const { dataset } = await answerOf(
    engine,
    `SELECT (cast(time AS LONG) - ${fromUs}) / ${stepUs} AS step, count(), count(value), count(raw),
      min(value), max(value), sum(value), last(value) FROM ${reading.name} WHERE ${filter} ORDER BY step`,
  )
  const made: RollUp = { t: [], count: [], min: [], max: [], sum: [], last: [] }
  for (const cells of dataset) {
    const [step, rows, count, raws, min, max, sum, last] = cells as number[]
    if (raws! > 0 || count !== rows) return undefined
    made.t.push(fromMs + step! * stepMs)
    made.count.push(count!)
    made.min.push(min!)
    made.max.push(max!)
    made.sum.push(sum!)
    made.last.push(last!)
  }
  return made
}
