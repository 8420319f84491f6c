/** Expressions over the store that several dashboards share: devices, channels and the state of the ledger. */
import { channel, device, gap, ledger, type Measurement, reading, total } from '@millrace/cloud-processor/stores/influxdb-schema'
import { is, type Label, type NumberField, stored, type Where } from './names.ts'
import { fluxOf, fluxTable, inSql, newestRows, type Question, quoted, sqlNewest } from './question.ts'

/** Devices and channels are written when they change, so their newest row may be old. */
const ever = '10y'

/** One row for each device, with its newest subject and node. `tlast_over_time` is VictoriaMetrics' own. */
export function devices(where: Where<typeof device> = {}): Question {
  const labels = ['device', 'subject', 'node']
  return {
    promql: `topk by (device) (1, tlast_over_time(${stored(device, 'channels', where)}[${ever}]))`,
    sql: `SELECT ${labels.join(', ')}, channels AS "Value" FROM ${sqlNewest(device, where, 'ever')}`,
    flux: `${fluxRows(device, ['channels', 'subject', 'node'], where)} |> rename(columns: { channels: "_value" }) ${fluxTable(labels)}`,
  }
}

/** How many there are. */
export function deviceCount(): Question {
  const { promql } = devices()
  return newestRows(`count(${promql})`, { of: device, fields: ['channels'], by: [], fold: 'count', span: 'ever' }, {})
}

export function channels(where: Where<typeof channel> = {}): Question {
  const labels = ['device', 'channel', 'unit', 'kind']
  const { kind, ...tags } = where
  const isKind = kind === undefined ? '' : `|> filter(fn: (r) => r.kind == ${kind.slice(1)})`
  const rows = sqlNewest(channel, tags, 'ever')
  return {
    promql: `topk by (device, channel) (1, tlast_over_time(${stored(channel, 'position', where)}[${ever}]))`,
    sql: `SELECT ${labels.join(', ')}, position AS "Value" FROM ${rows}${kind === undefined ? '' : ` WHERE ${inSql({ kind })}`}`,
    flux: `${fluxRows(channel, ['position', 'unit', 'kind'], tags)} ${isKind} |> rename(columns: { position: "_value" }) ${fluxTable(labels)}`,
  }
}

/** The newest row of every set of tags, its fields as columns. */
function fluxRows(of: Measurement, fields: string[], where: Record<string, string | undefined>): string {
  const tags = JSON.stringify(of.tags)
  return `${fluxOf(of, fields, where, 'ever')} |> last() |> group() |> map(fn: (r) => ({ r with _value: string(v: r._value) })) |> pivot(rowKey: ${tags}, columnKey: ["_field"], valueColumn: "_value")`
}

const lastMs = 'max(last_ms)'

/** Seconds since the newest reading that is stored of each device. */
export function silentFor(where: Where<typeof total> = {}): Question {
  return {
    promql: `time() - max by (device) (last_over_time(${stored(total, 'last_ms', where)}[${ever}])) / 1000`,
    sql: `SELECT device, (cast(cast($__timeTo() AS TIMESTAMP) AS LONG) / 1000 - ${lastMs}) / 1000.0 AS "Value" FROM ${sqlNewest(total, where, 'ever')} GROUP BY device`,
    flux: `${fluxOf(total, ['last_ms'], where, 'ever')} |> last() |> group(columns: ["device"]) |> max() |> map(fn: (r) => ({ r with _value: float(v: int(v: v.timeRangeStop) / 1000000 - r._value) / 1000.0 })) ${fluxTable(['device'])}`,
  }
}

/** Devices of which nothing was stored for longer than is chosen. */
export function silentCount(): Question {
  const { promql, sql, flux } = silentFor()
  return {
    promql: `sum((${promql}) > bool $silence)`,
    sql: `SELECT sum(CASE WHEN "silent" > $silence THEN 1 ELSE 0 END) AS "Value" FROM (${sql.replace('"Value"', '"silent"')})`,
    flux: `${flux} |> map(fn: (r) => ({ r with _value: if r._value > float(v: $silence) then 1 else 0 })) |> sum()`,
  }
}

/** What is stored, ever: a number for each value of `by`. */
export function storedOf(field: 'stored_readings' | 'stored_samples', by: 'device'[], where: Where<typeof total> = {}): Question {
  const sum = by.length > 0 ? `sum by (${by.join(', ')}) ` : 'sum'
  const promql = `${sum}(last_over_time(${stored(total, field, where)}[${ever}]))`
  return newestRows(promql, { of: total, fields: [field], by, fold: 'sum', span: 'ever' }, where)
}

/** Readings stored a second, by device. */
export function storedRate(): Question {
  const perTag = [...total.tags, '_field']
  const tags = quoted(total.tags)
  const before = (column: string) => `lag(${column}) OVER (PARTITION BY ${tags} ORDER BY time)`
  const us = 'cast(time AS LONG)'
  const steps = `SELECT time, ${tags}, last(stored_readings) AS n FROM ${total.name} WHERE $__timeFilter(time) SAMPLE BY $__interval`
  const pairs = `SELECT time, device, n, ${before('n')} AS n0, ${us} AS us, ${before(us)} AS us0 FROM (${steps})`
  return {
    promql: `sum by (device) (rate(${stored(total, 'stored_readings')}[$__rate_interval]))`,
    sql: `SELECT time, device, sum((n - n0) * 1000000.0 / (us - us0)) AS "Value" FROM (${pairs}) WHERE us0 IS NOT NULL GROUP BY time, device ORDER BY time`,
    flux: `${fluxOf(total, ['stored_readings'], {}, 'shown')} |> aggregateWindow(every: v.windowPeriod, fn: last, createEmpty: false) |> group(columns: ${JSON.stringify(perTag)}) |> derivative(unit: 1s, nonNegative: true) |> group(columns: ["device"])`,
  }
}

/** Channels that each device declares, by kind. */
export function channelCount(): Question {
  const rows = channels()
  return {
    promql: `count by (device, kind) (last_over_time(${stored(channel, 'position')}[${ever}]))`,
    sql: `SELECT cast($__timeTo() AS TIMESTAMP) AS time, device, kind, count() AS "Value" FROM ${sqlNewest(channel, {}, 'ever')} GROUP BY device, kind`,
    flux: `${rows.flux} |> group(columns: ["device", "kind"]) |> count() |> map(fn: (r) => ({ r with _time: v.timeRangeStop }))`,
  }
}

/** Of every channel that holds numbers, in its own unit. */
export function newestValues(): Question {
  const of = ['device', 'channel']
  return newestRows(
    `max by (device, channel) (last_over_time(${stored(reading, 'value', { rev: is('') })}[$__range]))`,
    { of: reading, fields: ['value'], by: of, fold: 'max', span: 'shown' },
    {},
  )
}

/** The unit of each channel of numbers, as a label. */
export function units(): Question {
  const { promql, ...others } = channels({ kind: is('number') })
  return { promql: `max by (device, channel, unit) (${promql})`, ...others }
}

/** 1 while a channel has no data, for each channel and reason. A gap without an end has 0 for its end. */
export function absent(where: Where<typeof gap>): Question {
  const end = `max by (channel, reason) (last_over_time(${stored(gap, 'to_ms', where)}[$__range]))`
  const [labels, columns] = ['channel, reason', '["channel", "reason"]']
  // Each gap is a step up at its beginning and one down at its end.
  const filter = ['$__timeFilter(time)', ...inSql(where)].join(' AND ')
  const begin = `SELECT time, ${labels}, 1.0 AS "Value" FROM ${gap.name} WHERE ${filter}`
  const over = `SELECT cast(to_ms * 1000 AS TIMESTAMP) AS time, ${labels}, 0.0 AS "Value" FROM ${gap.name} WHERE ${filter} AND to_ms > 0`
  const points = fluxOf(gap, ['to_ms'], where, 'shown')
  return {
    promql: `(${end} == bool 0) + (${end} > bool time() * 1000)`,
    sql: `SELECT * FROM (${begin} UNION ALL ${over}) ORDER BY time`,
    flux: `union(tables: [${points} |> map(fn: (r) => ({ r with _value: 1 })), ${points} |> filter(fn: (r) => r._value > 0) |> map(fn: (r) => ({ r with _time: time(v: r._value * 1000000), _value: 0 }))]) |> group(columns: ${columns}) |> sort(columns: ["_time"])`,
  }
}

type LedgerField = NumberField<typeof ledger>

/** The newest cut of each stream, summed. `of` are fields of the ledger without `_readings` and `_samples`: `$what` says which. */
export function atCut(of: LedgerAmount[], by: Label<typeof ledger>[], where: Where<typeof ledger> = {}): Question {
  const promql = of.map((amount) => `sum by (${by.join(', ')}) (${newestCut(amount, where)})`).join(' + ')
  return newestRows(promql, { of: ledger, fields: of.map(chosen), by, fold: 'sum', span: 'shown' }, where)
}

/** What nothing explains. One stream off by +1 and another off by -1 are two faults, not none. */
export function offBalance(by: Label<typeof ledger>[], where: Where<typeof ledger> = {}): Question {
  const promql = `sum by (${by.join(', ')}) (abs(${newestCut('difference', where)}))`
  return newestRows(
    promql,
    { of: ledger, fields: [chosen('difference')], by, fold: 'sum', span: 'shown', isAbsolute: true },
    where,
  )
}

/** Of readings, of all devices. */
export function readingsOffBalance(): Question {
  const promql = `sum(abs(last_over_time(${stored(ledger, 'difference_readings')}[$__range])))`
  const fields = ['difference_readings']
  return newestRows(promql, { of: ledger, fields, by: [], fold: 'sum', span: 'shown', isAbsolute: true }, {})
}

/** Up to which batch each stream's newest cut goes. */
export function cutThrough(where: Where<typeof ledger>): Question {
  const promql = `max by (stream) (last_over_time(${stored(ledger, 'through', where)}[$__range]))`
  return newestRows(promql, { of: ledger, fields: ['through'], by: ['stream'], fold: 'max', span: 'shown' }, where)
}

/** As cuts come, over time, summed. In SQL and Flux a step has those streams that had a cut in it. */
export function overCuts(promql: string, fields: string[], by: 'device'[] = [], isAbsolute = false): Question {
  const amount = fields.map((field) => `last(${field})`).join(' + ')
  const value = isAbsolute ? 'abs(n)' : 'n'
  const labels = by.map((label) => `${label}, `).join('')
  const absolute = isAbsolute ? '|> map(fn: (r) => ({ r with _value: if r._value < 0 then -r._value else r._value }))' : ''
  const columns = JSON.stringify([...by, '_time'])
  return {
    promql,
    sql: `SELECT time, ${labels}sum(${value}) AS "Value" FROM (SELECT time, device, node, stream, ${amount} AS n FROM ${ledger.name} WHERE $__timeFilter(time) SAMPLE BY $__interval) GROUP BY time${by.map((label) => `, ${label}`).join('')} ORDER BY time`,
    flux: `${fluxOf(ledger, fields, {}, 'shown')} |> aggregateWindow(every: v.windowPeriod, fn: last, createEmpty: false) ${absolute} |> group(columns: ${columns}) |> sum() |> group(columns: ${JSON.stringify(by)}) |> sort(columns: ["_time"])`,
  }
}

/** The variable is the end of either of two fields. */
export const chosen = (amount: LedgerAmount): string => `${amount}_$what`

function newestCut(amount: LedgerAmount, where: Where<typeof ledger>): string {
  return `last_over_time(${stored(ledger, chosen(amount) as LedgerField, where)}[$__range])`
}

type Of<F, End extends string> = F extends `${infer Amount}_${End}` ? Amount : never
/** What the ledger counts both in readings and in samples. */
export type LedgerAmount = Of<LedgerField, 'readings'> & Of<LedgerField, 'samples'>
