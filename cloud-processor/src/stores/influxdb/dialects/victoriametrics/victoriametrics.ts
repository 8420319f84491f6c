/**
 * VictoriaMetrics: a metric for each field, times in milliseconds, numbers only. Booleans are 1 and 0; text is a label and
 * therefore no reading. A point cannot be replaced: it is written beside the first with a revision. Without
 * `-dedup.minScrapeInterval=1ms` a repeated write is held twice until the next merge.
 *
 * A write is acknowledged from memory. Rows become searchable and are put to disk within a second or two, small parts within
 * five more. A flush that is asked for does not wait for one that has begun.
 *
 * Which series a selector means is cached, and looked up again within ten seconds, or at once when a flush that was asked for had
 * series to put in: what the flush in the background has put in just before stays unseen. So every selector has a matcher that
 * changes with `settle` and excludes nothing.
 */
import { randomBytes } from 'node:crypto'
import type { Engine } from '../../engine.ts'
import { decodeLabel } from '../../line.ts'
import type { Measurement } from '../../schema.ts'
import type { Dialect, Row, Traits } from '../dialect.ts'
import { daysOf, flagsOf, startOf } from './metrics.ts'

const traits: Traits = {
  precision: 'ms',
  resolutionMs: 1,
  text: 'label',
  replaces: false,
  futureMsMax: 2 * 86_400_000,
  durableAfterMs: 15_000,
  visibleAfterMs: 1500,
}

/** How far back the newest of each series is looked for; then all of time, when some are older. */
const windows = ['1h', '2d', '60d', '40y']

interface Series {
  metric: Record<string, string>
  values: (number | null)[]
  timestamps: number[]
}

export function victoriametrics(engine: Engine): Dialect {
  const asker = randomBytes(4).toString('hex')
  let settled = 0
  const selector = (measurement: Measurement, fields: string[], where: Record<string, string>) =>
    selectorOf(measurement, fields, where, `${asker}${settled}`)
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const post = (path: string, values: Record<string, string>) =>
    engine.request('POST', path, `${new URLSearchParams(values)}`, form)

  async function query(text: string): Promise<Answer[]> {
    return JSON.parse(await post('/api/v1/query', { query: text, nocache: '1' })).data.result
  }

  async function export_(match: string, fromMs: number, toMs: number): Promise<Series[]> {
    const values = { 'match[]': match, start: `${fromMs / 1000}`, end: `${toMs / 1000}` }
    const answer = await post('/api/v1/export', values)
    return answer
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }

  return {
    traits,
    writePath: '/api/v2/write?precision=ms',
    isRefusal: ({ status }) => status === 400 || status === 413 || status === 422,
    async prepare() {
      const flags = flagsOf(await engine.request('GET', '/metrics'))
      const interval = flags.get('dedup.minScrapeInterval')
      if (interval !== '1ms') throw new Error('VictoriaMetrics must run with -dedup.minScrapeInterval=1ms')
      const { retentionDays } = engine.config
      // What is older than its own retention it drops without a word.
      if (daysOf(flags.get('retentionPeriod') ?? '1') < retentionDays)
        throw new Error(`VictoriaMetrics must run with -retentionPeriod=${retentionDays}d, or store.retentionDays be less`)
    },
    run: async () => startOf(await engine.request('GET', '/metrics')),
    async settle() {
      await engine.request('GET', '/internal/force_flush')
      settled++
    },
    async rows({ measurement, where, fromUs, toUs, limit }) {
      const match = selector(measurement, Object.keys(measurement.fields), where)
      const series = await export_(match, Math.ceil(fromUs / 1000), Math.floor(toUs / 1000))
      return joinFields(measurement, limit === undefined ? series : firstOf(series, limit))
    },
    async newest(measurement, where = {}) {
      const fields = numbersOf(measurement)
      const known = await post('/api/v1/series', { 'match[]': selector(measurement, fields.slice(0, 1), where), start: '1' })
      const wanted = new Set((JSON.parse(known).data as Record<string, string>[]).map((labels) => identity(measurement, labels)))
      const all = selector(measurement, fields, where)
      for (const window of windows) {
        const [values, times] = await Promise.all([
          query(`last_over_time(${all}[${window}])`),
          query(`tlast_over_time(${selector(measurement, fields.slice(0, 1), where)}[${window}]) keep_metric_names`),
        ])
        const rows = newestRows(measurement, values, times)
        if (rows.size >= wanted.size || window === windows.at(-1)) return [...rows.values()]
      }
      return []
    },
    async setUp() {
      const flags = flagsOf(await engine.request('GET', '/metrics'))
      const { retentionDays } = engine.config
      const kept = daysOf(flags.get('retentionPeriod') ?? '1')
      const wanted = retentionDays === 0 ? 'the longest that you want, such as 100y' : `${retentionDays}d`
      const isEnough = retentionDays > 0 && kept >= retentionDays
      return [
        flags.get('dedup.minScrapeInterval') === '1ms'
          ? 'flag -dedup.minScrapeInterval is 1ms, as it must be'
          : 'TO DO: start VictoriaMetrics with -dedup.minScrapeInterval=1ms',
        isEnough
          ? `flag -retentionPeriod keeps ${Math.floor(kept)} days; the store wants ${retentionDays}`
          : `TO DO: flag -retentionPeriod keeps ${Math.floor(kept)} days; start VictoriaMetrics with -retentionPeriod=${wanted}`,
        'roll-ups: none needed, it rolls up as it answers',
      ]
    },
  }
}

const metricOf = (measurement: Measurement, field: string) => `${measurement.name}_${field}`
const numbersOf = ({ fields }: Measurement) => Object.keys(fields).filter((field) => fields[field] !== 'text')

function selectorOf(measurement: Measurement, fields: string[], where: Record<string, string>, unique: string): string {
  const names = fields.map((field) => metricOf(measurement, field)).join('|')
  const labels = Object.entries(where).map(([label, value]) => `,${label}=${JSON.stringify(value)}`)
  return `{__name__=~"${names}"${labels.join('')},asked_by!="${unique}"}`
}

const identity = ({ tags }: Measurement, labels: Record<string, string>) => tags.map((tag) => labels[tag]).join('\n')

function labelsOf(measurement: Measurement, metric: Record<string, string>): Row['values'] {
  const { __name__, ...labels } = metric
  for (const [field, kind] of Object.entries(measurement.fields))
    if (kind === 'text' && labels[field] !== undefined) labels[field] = decodeLabel(labels[field])
  return labels
}

function fieldOf(measurement: Measurement, metric: Record<string, string>): string {
  return metric.__name__!.slice(measurement.name.length + 1)
}

function put(measurement: Measurement, row: Row, field: string, value: number): void {
  row.values[field] = measurement.fields[field] === 'boolean' ? value === 1 : value
}

/** Of so many times, the earliest: what nobody asked for is not joined. An export has no limit of its own. */
function firstOf(series: Series[], limit: number): Series[] {
  const times = new Float64Array(series.reduce((sum, { timestamps }) => sum + timestamps.length, 0))
  let count = 0
  for (const { timestamps } of series) for (const time of timestamps) times[count++] = time
  times.sort()
  let last = 0
  for (let distinct = 0; last < count; last++) if (times[last] !== times[last - 1] && ++distinct > limit) break
  if (last === count) return series
  const isFirst = (time: number) => time < times[last]!
  return series.map(({ metric, values, timestamps }) => ({
    metric,
    values: values.filter((_, k) => isFirst(timestamps[k]!)),
    timestamps: timestamps.filter(isFirst),
  }))
}

/** Fields of one point have the same labels and time. */
function joinFields(measurement: Measurement, series: Series[]): Row[] {
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

type Answer = { metric: Record<string, string>; value: [number, string] }

function newestRows(measurement: Measurement, values: Answer[], times: Answer[]): Map<string, Row> {
  const rows = new Map<string, Row>()
  const byLabels = new Map<string, Row>()
  const labelKey = ({ __name__, ...labels }: Record<string, string>) => JSON.stringify(Object.entries(labels).sort())
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
