/** The tables of QuestDB, and what `millrace setup` makes besides. */
import type { Engine } from '../../engine.ts'
import { type FieldKind, type Measurement, measurements, reading } from '../../schema.ts'

export interface Answer {
  columns: { name: string }[]
  dataset: (string | number | boolean | null)[][]
}

const columnTypes: Record<FieldKind, string> = { float: 'DOUBLE', integer: 'LONG', text: 'VARCHAR', boolean: 'BOOLEAN' }

export async function ask(engine: Engine, sql: string): Promise<Answer> {
  return JSON.parse(await engine.request('GET', `/exec?query=${encodeURIComponent(sql)}`))
}

/** Before the first write: a write would make a table that does not replace. */
export async function makeTables(engine: Engine): Promise<void> {
  for (const measurement of Object.values(measurements)) {
    await ask(engine, createTable(measurement))
    const { dataset } = await ask(engine, `SELECT dedup FROM tables() WHERE table_name = '${measurement.name}'`)
    if (dataset[0]?.[0] !== true)
      throw new Error(`table ${measurement.name} was made without DEDUP UPSERT KEYS; run millrace setup`)
  }
}

export async function setUpTables(engine: Engine): Promise<string[]> {
  const done: string[] = []
  const { retentionDays, rollUpDays } = engine.config
  for (const measurement of Object.values(measurements)) {
    await ask(engine, createTable(measurement))
    await ask(engine, `ALTER TABLE ${measurement.name} DEDUP ENABLE UPSERT KEYS(${keysOf(measurement)})`)
    if (retentionDays > 0) await ask(engine, `ALTER TABLE ${measurement.name} SET TTL ${retentionDays} DAYS`)
    done.push(`table ${measurement.name}: replaces by (${['time', ...measurement.tags].join(', ')})`)
  }
  await ask(engine, minutesView)
  if (rollUpDays > 0) await ask(engine, `ALTER MATERIALIZED VIEW ${minutesName} SET TTL ${rollUpDays} DAYS`)
  done.push(`materialized view ${minutesName}: count, mean, min, max and last of each minute`)
  return done
}

const minutesName = `${reading.name}_1m`
const minutesView = `CREATE MATERIALIZED VIEW IF NOT EXISTS ${minutesName} AS (
  SELECT time, device, channel, count(value) AS count, avg(value) AS mean, min(value) AS min, max(value) AS max, last(value) AS last
  FROM ${reading.name} SAMPLE BY 1m) PARTITION BY DAY`

const keysOf = ({ tags }: Measurement) => ['time', ...tags].map((key) => `"${key}"`).join(', ')

function createTable(measurement: Measurement): string {
  const columns = [
    'time TIMESTAMP',
    ...measurement.tags.map((tag) => `"${tag}" SYMBOL`),
    ...Object.entries(measurement.fields).map(([field, kind]) => `"${field}" ${columnTypes[kind]}`),
  ]
  return `CREATE TABLE IF NOT EXISTS ${measurement.name} (${columns.join(', ')}) TIMESTAMP(time) PARTITION BY DAY WAL DEDUP UPSERT KEYS(${keysOf(measurement)})`
}
