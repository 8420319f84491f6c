/** Who there is, and how each of them does. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { answers, columns, deviceColumn } from './columns.ts'
import { choice, dashboard, withRows } from './dashboard.ts'
import {
  channelCount,
  deviceCount,
  devices,
  newestValues,
  readingsOffBalance,
  silentCount,
  silentFor,
  storedOf,
  storedRate,
  units,
} from './knowledge.ts'
import { lineToDevice, toAlarms, toPipeline, uids } from './links.ts'
import { told } from './names.ts'
import { half, lines, number, table, tile } from './panels.ts'
import { counts, field, newest, series, single } from './queries.ts'
import type { Sources } from './sources.ts'

/** Seconds of silence from which on a device is called silent. */
const silences = ['60', '300', '30', '600', '3600']

/** Longer than the store takes between a device's totals. */
const totalsEvery = '15s'

export function fleetDashboard(sources: Sources): Dashboard {
  const about = 'Devices, their newest values and who is silent.'
  return withRows(
    dashboard({ uid: uids.fleet, title: 'Fleet', about, from: 'now-1h' }).withVariable(
      choice('silence', silences).label('Silent after (s)'),
    ),
    { '': [...summary(sources), ...tables(sources), ...charts(sources)] },
  )
}

const summary = (sources: Sources) => {
  const { store, processes } = sources
  const look = (title: string, about: string) => ({ title, about, ...tile })
  return [
    number(look('Devices', 'Ever heard of.'), single(store, deviceCount())),
    number(look('Silent devices', 'Nothing stored of them for as long as is chosen above.'), single(store, silentCount()), {
      worse: [1],
    }),
    number(
      look('Open alarms', 'Active, or not yet acknowledged, whose newest change lies in the time shown.'),
      counts(sources, 'alarm-states', field('alarm-states', 'open', 'true'), []),
      { worse: [1, 5], sums: true, link: toAlarms },
    ),
    number(
      look('Active alarms', 'As the rules have it now, summed over processors.'),
      single(processes, `sum(${told('millrace_alarms_open')})`),
      { worse: [1, 5], link: toAlarms },
    ),
    number(
      look('Off balance', 'Readings that nothing explains, at the newest cuts; see pipeline and ledger.'),
      single(store, readingsOffBalance()),
      { worse: [1], link: toPipeline },
    ),
    number(
      look('Silent gateways', 'Edge nodes and plain devices silent for five minutes, as the processor has it.'),
      single(processes, `max(${told('millrace_nodes_silent')})`),
      { worse: [1] },
    ),
  ]
}

const tables = ({ store }: Sources) => [
  table(
    { title: 'Devices', about: 'Longest silent first when sorted so. A click on the name opens the device.', w: 14, h: 12 },
    [devices(), silentFor(), storedOf('stored_readings', ['device']), storedOf('stored_samples', ['device'])].map((question) =>
      newest(store, question),
    ),
    [
      ...[deviceColumn, ...columns('subject', 'node')],
      ...answers(
        undefined,
        { title: 'Silent for', unit: 's' },
        { title: 'Readings stored', unit: 'short' },
        { title: 'Samples stored', unit: 'short' },
      ),
    ],
  ),
  table(
    { title: 'Newest values', about: 'Of every channel that holds numbers, in its own unit.', w: 10, h: 12 },
    [newest(store, newestValues()), newest(store, units())],
    [deviceColumn, { of: 'channel' }, ...answers('Value'), { of: 'unit' }],
  ),
]

const charts = ({ store }: Sources) => {
  return [
    lines(
      { title: 'Readings stored', about: 'A second, by device.', ...half, unit: 'cps' },
      [series(store, storedRate(), '{{device}}', totalsEvery)],
      lineToDevice,
    ),
    lines({ title: 'Channels', about: 'Declared by each device.', ...half }, [
      series(store, channelCount(), '{{device}} {{kind}}'),
    ]),
  ]
}
