/** The edge agents: what waits in their outboxes, whether it gets through, and whether their clocks are right. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { answers } from './columns.ts'
import { all, dashboard, labelVariable, withRows } from './dashboard.ts'
import { uids } from './links.ts'
import { like, rate, told } from './names.ts'
import { half, lines, number, states, table, tile } from './panels.ts'
import { newest, type Query, series, single } from './queries.ts'
import type { Sources } from './sources.ts'
import { yesOrNo } from './states.ts'

type Metric = `millrace_${string}`
type LegendAndQuery = [legend: string, expression: string]

const here = { instance: like('$instance') }
const of = (metric: Metric | `process_${string}`) => told(metric, here)
const perSecond = (metric: Metric, ...by: string[]) => rate(metric, ['instance', ...by], here)
const worst = (metric: Metric) => `max by (instance) (${of(metric)})`

/** A line for each gateway, named after it. */
const byGateway = ({ processes }: Sources, ...asked: LegendAndQuery[]): Query[] =>
  asked.map(([legend, expression]) => series(processes, expression, `{{instance}}${legend && ` ${legend}`}`))

export function gatewaysDashboard(sources: Sources): Dashboard {
  const about = 'Outboxes, uplinks, clocks and devices of the edge agents.'
  const gateways = `max by (instance) (${told('millrace_outbox_bytes')})`
  return withRows(
    dashboard({ uid: uids.gateways, title: 'Gateway health', about, from: 'now-1h' }).withVariable(
      labelVariable(sources.processes, 'instance', 'instance', gateways)
        .label('Gateway')
        .multi(true)
        .includeAll(true)
        .current(all),
    ),
    {
      '': [...summary(sources), gatewayTable(sources)],
      Outbox: outboxPanels(sources),
      Uplink: uplinkPanels(sources),
      'Devices and process': processPanels(sources),
    },
  )
}

const summary = ({ processes }: Sources) => [
  number(
    { title: 'Gateways', about: 'That are scraped.', ...tile },
    single(processes, `count(${worst('millrace_outbox_bytes')})`),
  ),
  number(
    { title: 'Without a broker', about: 'Their outboxes fill.', ...tile },
    single(processes, `sum(${of('millrace_uplink_connected')} == bool 0)`),
    { worse: [1] },
  ),
  number(
    { title: 'Fullest outbox', about: 'At its bound readings are evicted.', ...tile, unit: 'percentunit' },
    single(processes, `max(${of('millrace_outbox_bytes')} / ${of('millrace_outbox_bytes_max')})`),
    { worse: [0.5, 0.8] },
  ),
  number(
    { title: 'Backlog', about: 'Entries in all outboxes, in flight included.', ...tile },
    single(processes, `sum(${of('millrace_outbox_entries')})`),
  ),
  number(
    { title: 'Clock furthest off', about: 'From the processor’s, either way.', ...tile, unit: 'ms' },
    single(processes, `max(abs(${of('millrace_clock_offset_ms')}))`),
    { worse: [500, 2000] },
  ),
  number(
    { title: 'Devices closed', about: 'Whose line cannot be opened.', ...tile },
    single(processes, `sum(${of('millrace_device_open')} == bool 0)`),
    { worse: [1] },
  ),
]

const gatewayTable = ({ processes }: Sources) =>
  table(
    { title: 'Gateways', about: 'As they are at the end of the time shown.', w: 24, h: 7 },
    [
      worst('millrace_outbox_bytes'),
      worst('millrace_outbox_entries'),
      worst('millrace_uplink_in_flight'),
      worst('millrace_clock_offset_ms'),
      worst('millrace_uplink_connected'),
      `time() - max by (instance) (${of('process_start_time_seconds')})`,
    ].map((expression) => newest(processes, expression)),
    [
      { of: 'instance' },
      ...answers(
        { title: 'Outbox', unit: 'bytes' },
        'Entries',
        'In flight',
        { title: 'Clock offset', unit: 'ms' },
        { title: 'Uplink', states: yesOrNo('connected', 'no broker') },
        { title: 'Up for', unit: 's' },
      ),
    ],
  )

const outboxPanels = (sources: Sources) => [
  lines(
    { title: 'Bytes', about: 'In the outbox, and where it evicts.', ...half, unit: 'bytes' },
    byGateway(
      sources,
      ['', of('millrace_outbox_bytes')],
      ['bound', of('millrace_outbox_bytes_max')],
      ['not yet on disk', of('millrace_outbox_memory_bytes')],
    ),
  ),
  lines(
    { title: 'Entries', about: 'In the outbox, and of these sent without a receipt yet.', ...half },
    byGateway(sources, ['', of('millrace_outbox_entries')], ['in flight', of('millrace_uplink_in_flight')]),
  ),
  lines(
    { title: 'Readings made durable', about: 'A second.', ...half, unit: 'cps' },
    byGateway(sources, ['', perSecond('millrace_outbox_readings_committed_total')]),
  ),
  lines(
    {
      title: 'Lost or refused',
      about: 'A second: evicted at the bound, refused by the disk, never receipted.',
      ...half,
      unit: 'cps',
    },
    byGateway(
      sources,
      ['evicted', perSecond('millrace_outbox_readings_evicted_total')],
      ['{{code}}', perSecond('millrace_outbox_storage_failures_total', 'code')],
      ['set aside', perSecond('millrace_uplink_set_aside_total')],
    ),
  ),
]

const uplinkPanels = (sources: Sources) => [
  states(
    { title: 'Session', about: 'With the broker.', w: 12, h: 6 },
    byGateway(sources, ['', of('millrace_uplink_connected')]),
    yesOrNo('connected', 'no broker'),
  ),
  lines(
    { title: 'Connections lost', about: 'Or not made, in a quarter of an hour.', w: 12, h: 6 },
    byGateway(sources, ['', `increase(${of('millrace_uplink_disconnects_total')}[15m])`]),
  ),
  lines(
    { title: 'Entries', about: 'A second: sent by lane, sent again, and receipted.', ...half, unit: 'cps' },
    byGateway(
      sources,
      ['{{lane}}', perSecond('millrace_uplink_sent_total', 'lane')],
      ['again', perSecond('millrace_uplink_resent_total')],
      ['receipted', perSecond('millrace_uplink_receipted_total')],
    ),
  ),
  lines(
    { title: 'Clock offset', about: 'Processor’s clock less this one’s. Times are corrected by it.', ...half, unit: 'ms' },
    byGateway(sources, ['', of('millrace_clock_offset_ms')]),
  ),
]

const processPanels = (sources: Sources) => [
  states(
    { title: 'Lines', about: 'Open or not, by device.', w: 24, h: 8 },
    byGateway(sources, ['{{device}}', of('millrace_device_open')]),
    yesOrNo('open', 'closed'),
  ),
  lines(
    { title: 'Processor time', about: 'Cores used.', w: 8, h: 7 },
    byGateway(sources, ['', `rate(${of('process_cpu_seconds')}[$__rate_interval])`]),
  ),
  lines(
    { title: 'Memory', about: 'That the process holds.', w: 8, h: 7, unit: 'bytes' },
    byGateway(sources, ['', of('process_resident_memory_bytes')]),
  ),
  lines(
    { title: 'Main thread', about: 'Share of its time that it was busy.', w: 8, h: 7, unit: 'percentunit' },
    byGateway(sources, ['', of('process_event_loop_share')]),
  ),
]
