/** From the broker to the store: what flows, what waits, what is refused, and whether the ledger closes. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { ledger } from '@millrace/cloud-processor/stores/influxdb-schema'
import { answers, columns, deviceColumn, time } from './columns.ts'
import { choice, dashboard, withRows } from './dashboard.ts'
import { atCut, chosen, type LedgerAmount, offBalance, overCuts } from './knowledge.ts'
import { lineToDevice, uids } from './links.ts'
import { rate, stored, told } from './names.ts'
import { bars, half, lines, number, table, third, tile } from './panels.ts'
import { counts, documents, newest, series, single } from './queries.ts'
import type { Sources } from './sources.ts'

/** read = stored + filtered + rejected + evicted + collapsed; what is left is off balance. */
const equation: { title: string; of: LedgerAmount[] }[] = [
  { title: 'Read', of: ['read'] },
  { title: 'Stored', of: ['stored'] },
  { title: 'Filtered', of: ['filtered'] },
  { title: 'Rejected', of: ['edge_rejected', 'rejected'] },
  { title: 'Evicted', of: ['evicted'] },
  { title: 'Collapsed', of: ['collapsed'] },
]

export function pipelineDashboard(sources: Sources): Dashboard {
  const about = 'What flows, what waits, and whether every reading is accounted for.'
  return withRows(
    dashboard({ uid: uids.pipeline, title: 'Pipeline and ledger', about, from: 'now-1h' }).withVariable(
      choice('what', ['readings', 'samples']).label('Ledger of'),
    ),
    {
      '': summary(sources),
      Ledger: [...balancePanels(sources), ...ledgerPanels(sources)],
      Flow: [...inputPanels(sources), ...stagePanels(sources), ...storePanels(sources)],
      'What could not be used': rejectedPanels(sources),
    },
  )
}

const summary = (sources: Sources) => {
  const process = (expression: string) => single(sources.processes, expression)
  return [
    number(
      { title: 'Off balance', about: 'Readings and samples that nothing explains, either way, summed.', ...tile },
      process(`max(${told('millrace_ledger_difference')})`),
      { worse: [1] },
    ),
    number(
      { title: 'Devices off balance', about: 'Devices and streams whose ledger does not close.', ...tile },
      process(`max(${told('millrace_ledger_unbalanced')})`),
      { worse: [1] },
    ),
    number(
      { title: 'Ledger read', about: 'Since the store last reported the ledger.', ...tile, unit: 's' },
      process(`min(${told('millrace_fleet_age_seconds')})`),
      { worse: [60, 120] },
    ),
    number(
      { title: 'Furthest behind', about: 'Of all stages and sinks.', ...tile, unit: 'ms' },
      process(`max(${told('millrace_stage_lag_ms')})`),
      { worse: [1000, 60_000] },
    ),
    number({ title: 'Rejected', about: 'Documents of it in the time shown.', ...tile }, counts(sources, 'rejected', '*', []), {
      worse: [1, 100],
      sums: true,
    }),
    number(
      { title: 'Waiting for the log', about: 'Bytes of messages that the bridges hold.', ...tile, unit: 'bytes' },
      process(`sum(${told('millrace_bridge_queue_bytes')})`),
    ),
  ]
}

const balancePanels = ({ store }: Sources) => [
  table(
    {
      title: 'The equation, of $what',
      about: 'read = stored + filtered + rejected + evicted + collapsed, at the newest cut of each stream in the time shown.',
      ...{ w: 16, h: 11 },
    },
    [...equation.map(({ of }) => atCut(of, ['node', 'device'])), offBalance(['node', 'device'])].map((question) =>
      newest(store, question),
    ),
    [{ of: 'node' }, deviceColumn, ...answers(...equation.map(({ title }) => title), 'Off balance')],
  ),
  lines(
    { title: 'Off balance', about: 'Of $what, by device. Anything but zero is a fault.', w: 8, h: 11 },
    [series(store, overCuts(offBalance(['device']).promql, [chosen('difference')], ['device'], true), '{{device}}')],
    lineToDevice,
  ),
]

const ledgerPanels = (sources: Sources) => {
  const summed = ({ title, of }: (typeof equation)[number]) =>
    series(sources.store, overCuts(`sum(${atCut(of, ['device']).promql})`, of.map(chosen)), title.toLowerCase())
  const frames = (field: 'frames_good' | 'frames_bad', legend: string) =>
    series(sources.store, overCuts(`sum(last_over_time(${stored(ledger, field)}[$__range]))`, [field]), legend)
  const about = 'Of $what, of all devices at their cuts.'
  return [
    lines({ title: 'Read and stored', about, ...half }, equation.slice(0, 2).map(summed)),
    lines({ title: 'Not stored, and why', about, ...half }, equation.slice(2).map(summed)),
    lines({ title: 'Frames', about: 'From the devices, at the newest cuts.', ...half }, [
      frames('frames_good', 'good'),
      frames('frames_bad', 'bad'),
    ]),
    bars({ title: 'Gaps', about: 'By reason, at their beginning.', ...half }, [counts(sources, 'gaps', '*', ['reason'])]),
  ]
}

const inputPanels = ({ processes }: Sources) => [
  lines({ title: 'Taken from the broker', about: 'Messages a second.', ...third, unit: 'mps' }, [
    series(processes, rate('millrace_bridge_received_total', ['instance']), '{{instance}}'),
  ]),
  lines(
    {
      title: 'Receipted',
      about: 'Entries a second that the agents sent, sent again and got receipts for.',
      ...third,
      unit: 'cps',
    },
    [
      series(processes, rate('millrace_uplink_sent_total'), 'sent'),
      series(processes, rate('millrace_uplink_resent_total'), 'sent again'),
      series(processes, rate('millrace_uplink_receipted_total'), 'receipted'),
    ],
  ),
  lines({ title: 'Taken by the store', about: 'Readings and samples a second.', ...third, unit: 'cps' }, [
    series(processes, rate('millrace_store_received_total', ['kind']), '{{kind}}'),
  ]),
]

const stagePanels = ({ processes }: Sources) => [
  lines({ title: 'Lag', about: 'Age of the newest record that a stage took while more wait for it.', ...third, unit: 'ms' }, [
    series(processes, `max by (stage) (${told('millrace_stage_lag_ms')})`, '{{stage}}'),
  ]),
  lines({ title: 'Records that wait', about: 'For each stage.', ...third }, [
    series(processes, `sum by (stage) (${told('millrace_stage_lag_records')})`, '{{stage}}'),
  ]),
  lines({ title: 'Log', about: 'Records a second made durable, by topic.', ...third, unit: 'cps' }, [
    series(processes, rate('millrace_log_records_total', ['topic']), '{{topic}}'),
  ]),
]

const storePanels = ({ processes }: Sources) => [
  lines({ title: 'Requests to the store', about: 'A second, by how they ended.', ...third, unit: 'reqps' }, [
    series(processes, rate('millrace_store_requests_total', ['result']), '{{result}}'),
  ]),
  lines(
    { title: 'Silenced repeats and suspects', about: 'A second. Repeats are normal after a restart.', ...third, unit: 'cps' },
    [
      series(processes, rate('millrace_store_repeats_total', ['instance']), 'repeats {{instance}}'),
      series(processes, rate('millrace_store_suspects_total', ['instance']), 'suspects {{instance}}'),
    ],
  ),
  lines({ title: 'Broker', about: 'Messages a second in and out, and what it did not keep.', ...third, unit: 'mps' }, [
    series(processes, rate('millrace_broker_received_messages'), 'in'),
    series(processes, rate('millrace_broker_delivered_messages'), 'out'),
    series(processes, rate('millrace_broker_dropped_total', ['reason']), 'dropped {{reason}}'),
  ]),
]

const rejectedPanels = (sources: Sources) => {
  const { processes } = sources
  return [
    lines(
      { title: 'Rejected', about: 'Messages and frames a second, by reason and where it was found.', ...third, unit: 'cps' },
      [series(processes, rate('millrace_rejected_total', ['at', 'reason']), '{{at}} {{reason}}')],
    ),
    lines({ title: 'Refused or tried again', about: 'A second. What is tried again waits in the log.', ...third, unit: 'cps' }, [
      series(processes, rate('millrace_bridge_dropped_total', ['reason']), 'not appended: {{reason}}'),
      series(processes, rate('millrace_sink_errors_total', ['sink']), '{{sink}} tries again'),
      series(processes, rate('millrace_store_refused_total', ['reason']), 'store will not take: {{reason}}'),
      series(processes, rate('millrace_stage_errors_total', ['stage']), '{{stage}} began again'),
    ]),
    bars({ title: 'Rejected documents', about: 'By reason.', ...third }, [counts(sources, 'rejected', '*', ['reason'])]),
    table(
      { title: 'Newest rejected', about: 'Their bytes are in the document.', w: 24, h: 9 },
      [documents(sources, 'rejected', '*', 200)],
      [
        ...[time, ...columns('reason', 'at', 'node'), deviceColumn, { of: 'detail' }],
        ...[
          { of: 'lostReadings', title: 'Readings in it' },
          { of: 'bytes', unit: 'bytes' },
        ],
      ],
    ),
  ]
}
