/** From the broker to the store: what flows, what waits, what is refused, and whether the ledger closes. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { ledger } from '@millrace/cloud-processor/stores/influxdb-schema'
import { choice, dashboard, row } from './dashboard.ts'
import { atCut, type LedgerAmount, offBalance } from './knowledge.ts'
import { lineToDevice, toDevice, uids } from './links.ts'
import { stored, told } from './names.ts'
import { bars, type Column, lines, number, table } from './panels.ts'
import { counts, documents, newest, series, single } from './queries.ts'
import type { Sources } from './sources.ts'

const rate = (metric: `millrace_${string}`, by: string[]) => `sum by (${by.join(', ')}) (rate(${told(metric)}[$__rate_interval]))`

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
  const { store, processes } = sources
  const small = { w: 4, h: 4 }
  return dashboard(
    uids.pipeline,
    'Pipeline and ledger',
    'What flows, what waits, and whether every reading is accounted for.',
    'now-1h',
  )
    .withVariable(choice('what', ['readings', 'samples']).label('Ledger of'))
    .withPanel(
      number(
        { title: 'Off balance', about: 'Readings and samples that nothing explains, either way, summed.', ...small },
        single(processes, `max(${told('millrace_ledger_difference')})`),
        { worse: [1] },
      ),
    )
    .withPanel(
      number(
        { title: 'Devices off balance', about: 'Devices and streams whose ledger does not close.', ...small },
        single(processes, `max(${told('millrace_ledger_unbalanced')})`),
        { worse: [1] },
      ),
    )
    .withPanel(
      number(
        { title: 'Ledger read', about: 'Since the store last said how the ledger stands.', ...small, unit: 's' },
        single(processes, `min(${told('millrace_fleet_age_seconds')})`),
        { worse: [60, 120] },
      ),
    )
    .withPanel(
      number(
        { title: 'Furthest behind', about: 'Of all stages and sinks.', ...small, unit: 'ms' },
        single(processes, `max(${told('millrace_stage_lag_ms')})`),
        { worse: [1000, 60_000] },
      ),
    )
    .withPanel(
      number({ title: 'Rejected', about: 'Documents of it in the time shown.', ...small }, counts(sources, 'rejected', '*', []), {
        worse: [1, 100],
        sums: true,
      }),
    )
    .withPanel(
      number(
        { title: 'Waiting for the log', about: 'Bytes of messages that the bridges hold.', ...small, unit: 'bytes' },
        single(processes, `sum(${told('millrace_bridge_queue_bytes')})`),
      ),
    )
    .withRow(row('Ledger'))
    .withPanel(
      table(
        {
          title: 'The equation, of $what',
          about: 'read = stored + filtered + rejected + evicted + collapsed, at the newest cut of each stream in the time shown.',
          ...{ w: 16, h: 11 },
        },
        [
          ...equation.map(({ of }) => newest(store, atCut(of, ['node', 'device']))),
          newest(store, offBalance(['node', 'device'])),
        ],
        [{ of: 'node' }, { of: 'device', link: toDevice }, ...equation.map(columnOf), { of: 'Value #G', title: 'Off balance' }],
      ),
    )
    .withPanel(
      lines(
        { title: 'Off balance', about: 'Of $what, by device. Anything but zero is a fault.', w: 8, h: 11 },
        [series(store, offBalance(['device']), '{{device}}')],
        lineToDevice,
      ),
    )
    .withPanel(
      lines({ title: 'Read and stored', about: 'Of $what, of all devices at their cuts.', w: 12, h: 8 }, [
        series(store, summed(['read']), 'read'),
        series(store, summed(['stored']), 'stored'),
      ]),
    )
    .withPanel(
      lines(
        { title: 'Not stored, and why', about: 'Of $what, of all devices at their cuts.', w: 12, h: 8 },
        equation.slice(2).map(({ title, of }) => series(store, summed(of), title.toLowerCase())),
      ),
    )
    .withPanel(
      lines({ title: 'Frames', about: 'From the devices, at the newest cuts.', w: 12, h: 8 }, [
        series(store, `sum(last_over_time(${stored(ledger, 'frames_good')}[$__range]))`, 'good'),
        series(store, `sum(last_over_time(${stored(ledger, 'frames_bad')}[$__range]))`, 'bad'),
      ]),
    )
    .withPanel(
      bars({ title: 'Gaps', about: 'By reason, at their beginning.', w: 12, h: 8 }, [counts(sources, 'gaps', '*', ['reason'])]),
    )
    .withRow(row('Flow'))
    .withPanel(
      lines({ title: 'Taken from the broker', about: 'Messages a second.', w: 8, h: 8, unit: 'mps' }, [
        series(processes, rate('millrace_bridge_received_total', ['instance']), '{{instance}}'),
      ]),
    )
    .withPanel(
      lines(
        {
          title: 'Receipted',
          about: 'Entries a second that the agents sent, sent again and got receipts for.',
          w: 8,
          h: 8,
          unit: 'cps',
        },
        [
          series(processes, `sum(rate(${told('millrace_uplink_sent_total')}[$__rate_interval]))`, 'sent'),
          series(processes, `sum(rate(${told('millrace_uplink_resent_total')}[$__rate_interval]))`, 'sent again'),
          series(processes, `sum(rate(${told('millrace_uplink_receipted_total')}[$__rate_interval]))`, 'receipted'),
        ],
      ),
    )
    .withPanel(
      lines({ title: 'Taken by the store', about: 'Readings and samples a second.', w: 8, h: 8, unit: 'cps' }, [
        series(processes, rate('millrace_store_received_total', ['kind']), '{{kind}}'),
      ]),
    )
    .withPanel(
      lines(
        { title: 'Lag', about: 'Age of the newest record that a stage took while more wait for it.', w: 8, h: 8, unit: 'ms' },
        [series(processes, `max by (stage) (${told('millrace_stage_lag_ms')})`, '{{stage}}')],
      ),
    )
    .withPanel(
      lines({ title: 'Records that wait', about: 'For each stage.', w: 8, h: 8 }, [
        series(processes, `sum by (stage) (${told('millrace_stage_lag_records')})`, '{{stage}}'),
      ]),
    )
    .withPanel(
      lines({ title: 'Log', about: 'Records a second made durable, by topic.', w: 8, h: 8, unit: 'cps' }, [
        series(processes, rate('millrace_log_records_total', ['topic']), '{{topic}}'),
      ]),
    )
    .withPanel(
      lines({ title: 'Requests to the store', about: 'A second, by how they ended.', w: 8, h: 8, unit: 'reqps' }, [
        series(processes, rate('millrace_store_requests_total', ['result']), '{{result}}'),
      ]),
    )
    .withPanel(
      lines(
        {
          title: 'Silenced repeats and suspects',
          about: 'A second. Repeats are normal after a restart.',
          w: 8,
          h: 8,
          unit: 'cps',
        },
        [
          series(processes, rate('millrace_store_repeats_total', ['instance']), 'repeats {{instance}}'),
          series(processes, rate('millrace_store_suspects_total', ['instance']), 'suspects {{instance}}'),
        ],
      ),
    )
    .withPanel(
      lines({ title: 'Broker', about: 'Messages a second in and out, and what it did not keep.', w: 8, h: 8, unit: 'mps' }, [
        series(processes, `sum(rate(${told('millrace_broker_received_messages')}[$__rate_interval]))`, 'in'),
        series(processes, `sum(rate(${told('millrace_broker_delivered_messages')}[$__rate_interval]))`, 'out'),
        series(processes, rate('millrace_broker_dropped_total', ['reason']), 'dropped {{reason}}'),
      ]),
    )
    .withRow(row('What could not be used'))
    .withPanel(
      lines(
        { title: 'Rejected', about: 'Messages and frames a second, by reason and where it was found.', w: 8, h: 8, unit: 'cps' },
        [series(processes, rate('millrace_rejected_total', ['at', 'reason']), '{{at}} {{reason}}')],
      ),
    )
    .withPanel(
      lines(
        { title: 'Refused or tried again', about: 'A second. What is tried again waits in the log.', w: 8, h: 8, unit: 'cps' },
        [
          series(processes, rate('millrace_bridge_dropped_total', ['reason']), 'not appended: {{reason}}'),
          series(processes, rate('millrace_sink_errors_total', ['sink']), '{{sink}} tries again'),
          series(processes, rate('millrace_store_refused_total', ['reason']), 'store will not take: {{reason}}'),
          series(processes, rate('millrace_stage_errors_total', ['stage']), '{{stage}} began again'),
        ],
      ),
    )
    .withPanel(
      bars({ title: 'Rejected documents', about: 'By reason.', w: 8, h: 8 }, [counts(sources, 'rejected', '*', ['reason'])]),
    )
    .withPanel(
      table(
        { title: 'Newest rejected', about: 'Their bytes are in the document.', w: 24, h: 9 },
        [documents(sources, 'rejected', '*', 200)],
        [
          ...[
            { of: '@timestamp', title: 'Time' },
            { of: 'reason' },
            { of: 'at' },
            { of: 'node' },
            { of: 'device', link: toDevice },
          ],
          ...[{ of: 'detail' }, { of: 'lostReadings', title: 'Readings in it' }, { of: 'bytes', unit: 'bytes' }],
        ],
      ),
    )
    .build()
}

const columnOf = ({ title }: { title: string }, k: number): Column => ({ of: `Value #${'ABCDEF'[k]}`, title })

const summed = (of: LedgerAmount[]) => `sum(${atCut(of, ['device'])})`
