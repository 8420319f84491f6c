/** One device: its values, its waveforms at the resolution of their samples, and where data is missing. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { reading, wave } from '@millrace/cloud-processor/stores/influxdb-schema'
import { answers, columns, isAcknowledged, isActive, priorityColumn } from './columns.ts'
import { all, choice, dashboard, documentMarks, labelVariable, withRows } from './dashboard.ts'
import { absent, atCut, channels, cutThrough, devices, offBalance, silentFor, storedOf } from './knowledge.ts'
import { toAlarms, toPipeline, uids } from './links.ts'
import { inForce, is, like, stored } from './names.ts'
import { half, lines, number, states, table, tile } from './panels.ts'
import { counts, documents, field, newest, samples, series, single } from './queries.ts'
import { fluxOf, inSql, overSteps, type Question } from './question.ts'
import type { Sources } from './sources.ts'
import { absence, flag, quality } from './states.ts'

const device = is('$device')
const numbers = { device, channel: like('$channel') }
const waveform = { device, channel: is('$waveform') }
type Over = 'avg' | 'last' | 'min' | 'max'
const each = (over: Over) => (series: string) => `${over}_over_time(${series}[$__interval])`

function steps(field: 'value' | 'flag' | 'quality', over: Over, where: Parameters<typeof stored<typeof reading>>[2]): Question {
  const promql = inForce(reading, field, where!, each(over))
  return overSteps(promql, { of: reading, field, by: ['channel'], over }, where!)
}

function waveSteps(over: 'min' | 'max'): Question {
  const promql = inForce(wave, 'value', waveform, each(over))
  return overSteps(promql, { of: wave, field: 'value', by: ['channel'], over }, waveform)
}

/** The stored samples at their own times, up to the end of the time shown. */
function waveSamples(): Question {
  const since = "time > dateadd('s', -cast(replace('$window', 's', '') AS INT), cast($__timeTo() AS TIMESTAMP))"
  return {
    promql: `${stored(wave, 'value', waveform)}[$window]`,
    sql: `SELECT time, channel, value AS "Value" FROM ${wave.name} WHERE ${[since, 'time <= $__timeTo()', ...inSql(waveform)].join(' AND ')}`,
    flux: `import "date"\n${fluxOf(wave, ['value'], waveform, 'shown').replace('start: v.timeRangeStart', 'start: date.sub(d: $window, from: v.timeRangeStop)')} |> group(columns: ["channel"])`,
  }
}

const ofDevice = (kind: 'gaps' | 'alarms' | 'alarm-states') => field(kind, 'device', '$device')
const open = `${ofDevice('alarm-states')} AND ${field('alarm-states', 'open', 'true')}`
const raised = `${ofDevice('alarms')} AND ${field('alarms', 'change', 'raised')}`

export function deviceDashboard(sources: Sources): Dashboard {
  return withRows(withMarks(withVariables(sources), sources), {
    '': summary(sources),
    Values: [values(sources)],
    'Waveform, sample by sample': waveformPanels(sources),
    States: statePanels(sources),
    'What happened': [gaps(sources), alarms(sources), ledgerTable(sources)],
  })
}

function withVariables({ store }: Sources) {
  const numberChannels = labelVariable(store, 'channel', 'channel', channels({ device, kind: is('number') }))
  const waveforms = labelVariable(store, 'waveform', 'channel', channels({ device, kind: is('waveform') }))
  const about = 'Values, waveforms, gaps and alarms of one device.'
  return dashboard({ uid: uids.device, title: 'Device', about, from: 'now-15m' })
    .withVariable(labelVariable(store, 'device', 'device', devices()).label('Device'))
    .withVariable(numberChannels.label('Channel').multi(true).includeAll(true).current(all))
    .withVariable(waveforms.label('Waveform'))
    .withVariable(choice('window', ['10s', '2s', '5s', '30s', '60s']).label('Waveform for'))
    .withVariable(choice('what', ['readings', 'samples']).label('Ledger of'))
}

function withMarks(builder: ReturnType<typeof dashboard>, sources: Sources) {
  const marks = { name: 'Gaps', color: 'orange', query: ofDevice('gaps') }
  return builder
    .annotation(documentMarks(sources, 'gaps', { ...marks, text: 'reason', until: 'toMs' }))
    .annotation(documentMarks(sources, 'alarms', { name: 'Alarms raised', color: 'red', query: raised, text: 'text' }))
}

const summary = (sources: Sources) => {
  const { store } = sources
  return [
    number(
      { title: 'Silent for', about: 'Since its newest stored reading.', ...tile, unit: 's' },
      single(store, silentFor({ device })),
      { worse: [60, 300] },
    ),
    number(
      { title: 'Open alarms', about: 'Whose newest change lies in the time shown.', ...tile },
      counts(sources, 'alarm-states', open, []),
      { worse: [1, 5], sums: true, link: toAlarms },
    ),
    number(
      { title: 'Off balance', about: 'What nothing explains at the newest cuts.', ...tile },
      single(store, offBalance(['device'], { device })),
      { worse: [1], link: toPipeline },
    ),
    number({ title: 'Readings stored', about: 'Ever.', ...tile }, single(store, storedOf('stored_readings', [], { device }))),
    table(
      { title: 'What it is', about: 'As it last declared itself.', w: 8, h: 4 },
      [newest(store, devices({ device }))],
      columns('device', 'subject', 'node'),
    ),
  ]
}

const values = ({ store }: Sources) =>
  lines({ title: '$channel', about: 'Means where the time shown holds more readings than the chart has room for.', ...half }, [
    series(store, steps('value', 'avg', numbers), '{{channel}}'),
  ])
    .repeat('channel')
    .repeatDirection('h')
    .maxPerRow(2)

const waveformPanels = ({ store }: Sources) => {
  const edge = (over: 'min' | 'max', legend: string) => series(store, waveSteps(over), `{{channel}} ${legend}`)
  return [
    lines(
      {
        title: '$waveform',
        about: 'The stored samples at their own times, up to the end of the time shown. Choose for how long above.',
        ...{ w: 24, h: 10 },
      },
      [samples(store, waveSamples(), '{{channel}}')],
    ),
    lines({ title: '$waveform over the time shown', about: 'Least and greatest of each step.', w: 24, h: 7 }, [
      edge('min', 'least'),
      edge('max', 'greatest'),
    ]),
  ]
}

const statePanels = ({ store }: Sources) => [
  states(
    { title: 'On and off', about: 'Channels that hold true or false.', w: 12, h: 7 },
    [series(store, steps('flag', 'last', { device }), '{{channel}}')],
    flag,
  ),
  states(
    { title: 'Quality', about: 'As the device gave it; good where nothing is said.', w: 12, h: 7 },
    [series(store, steps('quality', 'last', numbers), '{{channel}}')],
    quality,
  ),
  states(
    { title: 'Where data is missing', about: 'By channel and reason; `*` is every channel of the device.', w: 24, h: 7 },
    [series(store, absent({ device }), '{{channel}} {{reason}}')],
    absence,
  ),
]

const gaps = (sources: Sources) =>
  table(
    { title: 'Gaps', about: 'With what is known to be lost.', w: 12, h: 9 },
    [documents(sources, 'gaps', ofDevice('gaps'))],
    [
      { of: '@timestamp', title: 'From' },
      { of: 'toMs', title: 'To', unit: 'dateTimeAsIso' },
      ...columns('channel', 'reason'),
      { of: 'lostReadings', title: 'Readings lost' },
      { of: 'lostSamples', title: 'Samples lost' },
    ],
  )

const alarms = (sources: Sources) =>
  table(
    { title: 'Alarms', about: 'Newest state of each.', w: 12, h: 9 },
    [documents(sources, 'alarm-states', ofDevice('alarm-states'))],
    [{ of: '@timestamp', title: 'Changed' }, priorityColumn, ...columns('channel', 'text'), isActive, isAcknowledged],
  )

const ledgerTable = ({ store }: Sources) => {
  const [read, held, difference, through] = answers('Read', 'Stored', 'Difference', 'Up to batch')
  return table(
    { title: 'Ledger', about: 'Of each stream at its newest cut.', w: 24, h: 6 },
    [
      atCut(['read'], ['stream'], { device }),
      atCut(['stored'], ['stream'], { device }),
      offBalance(['stream'], { device }),
      cutThrough({ device }),
    ].map((question) => newest(store, question)),
    [{ of: 'stream' }, through!, read!, held!, difference!],
  )
}
