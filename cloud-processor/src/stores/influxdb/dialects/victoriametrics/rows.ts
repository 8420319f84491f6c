/** Rows of a measurement from the series of its fields. */
import { decodeLabel } from '../../line.ts'
import type { Measurement } from '../../schema.ts'
import type { Row } from '../dialect.ts'
import type { Asking, Labels, Series } from './asking.ts'

/** How far back the newest of each series is looked for; then all of time, when some are older. */
const windows = ['1h', '2d', '60d', '40y']

/** Fields of one point have the same labels and time. */
export function joinFields(measurement: Measurement, series: Series[]): Row[] {
  const rows = new Map<string, Row>()
  for (const { metric, values, timestamps } of series) {
    const labels = labelsOf(measurement, metric)
    const field = fieldOf(measurement, metric)
    const key = JSON.stringify(labels)
    for (let k = 0; k < timestamps.length; k++) {
      const at = `${timestamps[k]} ${key}`
      let row = rows.get(at)
      if (!row) {
        row = { us: timestamps[k]! * 1000, values: { ...labels } }
        rows.set(at, row)
      }
      if (values[k] !== null) put(measurement, row, field, values[k]!)
    }
  }
  return [...rows.values()].sort((a, b) => a.us - b.us)
}

/** The newest row of every set of tags. */
export async function newestRows(asking: Asking, measurement: Measurement, where: Labels): Promise<Row[]> {
  const fields = numbersOf(measurement)
  const first = asking.selector(measurement, fields.slice(0, 1), where)
  const all = asking.selector(measurement, fields, where)
  const wanted = new Set((await asking.series(first)).map((labels) => identity(measurement, labels)))
  for (const window of windows) {
    const [values, times] = await Promise.all([
      asking.now(`last_over_time(${all}[${window}])`),
      asking.now(`tlast_over_time(${first}[${window}]) keep_metric_names`),
    ])
    const rows = joinNewest(measurement, values, times)
    if (rows.size >= wanted.size || window === windows.at(-1)) return [...rows.values()]
  }
  return []
}

type Answers = Awaited<ReturnType<Asking['now']>>

function joinNewest(measurement: Measurement, values: Answers, times: Answers): Map<string, Row> {
  const rows = new Map<string, Row>()
  const byLabels = new Map<string, Row>()
  const labelKey = ({ __name__, ...labels }: Labels) => JSON.stringify(Object.entries(labels).sort())
  for (const { metric, value } of times) {
    const row = { us: Math.round(Number(value[1]) * 1000) * 1000, values: labelsOf(measurement, metric) }
    const key = identity(measurement, metric)
    const known = rows.get(key)
    if (known && known.us >= row.us) continue
    rows.set(key, row)
    byLabels.set(labelKey(metric), row)
  }
  for (const { metric, value } of values) {
    const row = byLabels.get(labelKey(metric))
    if (row) put(measurement, row, fieldOf(measurement, metric), Number(value[1]))
  }
  return rows
}

const numbersOf = ({ fields }: Measurement) => Object.keys(fields).filter((field) => fields[field] !== 'text')
const identity = ({ tags }: Measurement, labels: Labels) => tags.map((tag) => labels[tag]).join('\n')

function labelsOf(measurement: Measurement, metric: Labels): Row['values'] {
  const { __name__, ...labels } = metric
  for (const [field, kind] of Object.entries(measurement.fields))
    if (kind === 'text' && labels[field] !== undefined) labels[field] = decodeLabel(labels[field])
  return labels
}

function fieldOf(measurement: Measurement, metric: Labels): string {
  return metric.__name__!.slice(measurement.name.length + 1)
}

function put(measurement: Measurement, row: Row, field: string, value: number): void {
  row.values[field] = measurement.fields[field] === 'boolean' ? value === 1 : value
}
