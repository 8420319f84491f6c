/** The edge agents: what waits in their outboxes, whether it gets through, and whether their clocks are right. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { all, dashboard, labelVariable, row } from './dashboard.ts'
import { uids } from './links.ts'
import { like, told } from './names.ts'
import { lines, number, states, table } from './panels.ts'
import { newest, series, single } from './queries.ts'
import type { Sources } from './sources.ts'
import { yesOrNo } from './states.ts'

const here = { instance: like('$instance') }
const of = (metric: `millrace_${string}` | `process_${string}`) => told(metric, here)
const rate = (metric: `millrace_${string}`, ...by: string[]) =>
  `sum by (${['instance', ...by].join(', ')}) (rate(${of(metric)}[$__rate_interval]))`
const worst = (metric: `millrace_${string}`) => `max by (instance) (${of(metric)})`

export function gatewaysDashboard(sources: Sources): Dashboard {
  const { processes } = sources
  const small = { w: 4, h: 4 }
  return dashboard(uids.gateways, 'Gateway health', 'Outboxes, uplinks, clocks and devices of the edge agents.', 'now-1h')
    .withVariable(
      labelVariable(processes, 'instance', 'instance', `max by (instance) (${told('millrace_outbox_bytes')})`)
        .label('Gateway')
        .multi(true)
        .includeAll(true)
        .current(all),
    )
    .withPanel(
      number(
        { title: 'Gateways', about: 'That are scraped.', ...small },
        single(processes, `count(${worst('millrace_outbox_bytes')})`),
      ),
    )
    .withPanel(
      number(
        { title: 'Without a broker', about: 'Their outboxes fill.', ...small },
        single(processes, `sum(${of('millrace_uplink_connected')} == bool 0)`),
        { worse: [1] },
      ),
    )
    .withPanel(
      number(
        { title: 'Fullest outbox', about: 'At its bound readings are evicted.', ...small, unit: 'percentunit' },
        single(processes, `max(${of('millrace_outbox_bytes')} / ${of('millrace_outbox_bytes_max')})`),
        { worse: [0.5, 0.8] },
      ),
    )
    .withPanel(
      number(
        { title: 'Backlog', about: 'Entries in all outboxes, in flight included.', ...small },
        single(processes, `sum(${of('millrace_outbox_entries')})`),
      ),
    )
    .withPanel(
      number(
        { title: 'Clock furthest off', about: 'From the processor’s, either way.', ...small, unit: 'ms' },
        single(processes, `max(abs(${of('millrace_clock_offset_ms')}))`),
        { worse: [500, 2000] },
      ),
    )
    .withPanel(
      number(
        { title: 'Devices closed', about: 'Whose line cannot be opened.', ...small },
        single(processes, `sum(${of('millrace_device_open')} == bool 0)`),
        { worse: [1] },
      ),
    )
    .withPanel(
      table(
        { title: 'Gateways', about: 'As they are at the end of the time shown.', w: 24, h: 7 },
        [
          newest(processes, worst('millrace_outbox_bytes')),
          newest(processes, worst('millrace_outbox_entries')),
          newest(processes, worst('millrace_uplink_in_flight')),
          newest(processes, worst('millrace_clock_offset_ms')),
          newest(processes, worst('millrace_uplink_connected')),
          newest(processes, `time() - max by (instance) (${of('process_start_time_seconds')})`),
        ],
        [
          { of: 'instance' },
          { of: 'Value #A', title: 'Outbox', unit: 'bytes' },
          { of: 'Value #B', title: 'Entries' },
          { of: 'Value #C', title: 'In flight' },
          { of: 'Value #D', title: 'Clock offset', unit: 'ms' },
          { of: 'Value #E', title: 'Uplink', states: yesOrNo('connected', 'no broker') },
          { of: 'Value #F', title: 'Up for', unit: 's' },
        ],
      ),
    )
    .withRow(row('Outbox'))
    .withPanel(
      lines({ title: 'Bytes', about: 'In the outbox, and where it evicts.', w: 12, h: 8, unit: 'bytes' }, [
        series(processes, of('millrace_outbox_bytes'), '{{instance}}'),
        series(processes, of('millrace_outbox_bytes_max'), '{{instance}} bound'),
        series(processes, of('millrace_outbox_memory_bytes'), '{{instance}} not yet on disk'),
      ]),
    )
    .withPanel(
      lines({ title: 'Entries', about: 'In the outbox, and of these sent without a receipt yet.', w: 12, h: 8 }, [
        series(processes, of('millrace_outbox_entries'), '{{instance}}'),
        series(processes, of('millrace_uplink_in_flight'), '{{instance}} in flight'),
      ]),
    )
    .withPanel(
      lines({ title: 'Readings made durable', about: 'A second.', w: 12, h: 8, unit: 'cps' }, [
        series(processes, rate('millrace_outbox_readings_committed_total'), '{{instance}}'),
      ]),
    )
    .withPanel(
      lines(
        {
          title: 'Lost or refused',
          about: 'A second: evicted at the bound, refused by the disk, never receipted.',
          w: 12,
          h: 8,
          unit: 'cps',
        },
        [
          series(processes, rate('millrace_outbox_readings_evicted_total'), '{{instance}} evicted'),
          series(processes, rate('millrace_outbox_storage_failures_total', 'code'), '{{instance}} {{code}}'),
          series(processes, rate('millrace_uplink_set_aside_total'), '{{instance}} set aside'),
        ],
      ),
    )
    .withRow(row('Uplink'))
    .withPanel(
      states(
        { title: 'Session', about: 'With the broker.', w: 12, h: 6 },
        [series(processes, of('millrace_uplink_connected'), '{{instance}}')],
        yesOrNo('connected', 'no broker'),
      ),
    )
    .withPanel(
      lines({ title: 'Connections lost', about: 'Or not made, in a quarter of an hour.', w: 12, h: 6 }, [
        series(processes, `increase(${of('millrace_uplink_disconnects_total')}[15m])`, '{{instance}}'),
      ]),
    )
    .withPanel(
      lines({ title: 'Entries', about: 'A second: sent by lane, sent again, and receipted.', w: 12, h: 8, unit: 'cps' }, [
        series(processes, rate('millrace_uplink_sent_total', 'lane'), '{{instance}} {{lane}}'),
        series(processes, rate('millrace_uplink_resent_total'), '{{instance}} again'),
        series(processes, rate('millrace_uplink_receipted_total'), '{{instance}} receipted'),
      ]),
    )
    .withPanel(
      lines(
        {
          title: 'Clock offset',
          about: 'Processor’s clock less this one’s. Times are corrected by it.',
          w: 12,
          h: 8,
          unit: 'ms',
        },
        [series(processes, of('millrace_clock_offset_ms'), '{{instance}}')],
      ),
    )
    .withRow(row('Devices and process'))
    .withPanel(
      states(
        { title: 'Lines', about: 'Open or not, by device.', w: 24, h: 8 },
        [series(processes, of('millrace_device_open'), '{{instance}} {{device}}')],
        yesOrNo('open', 'closed'),
      ),
    )
    .withPanel(
      lines({ title: 'Processor time', about: 'Cores used.', w: 8, h: 7 }, [
        series(processes, `rate(${of('process_cpu_seconds')}[$__rate_interval])`, '{{instance}}'),
      ]),
    )
    .withPanel(
      lines({ title: 'Memory', about: 'That the process holds.', w: 8, h: 7, unit: 'bytes' }, [
        series(processes, of('process_resident_memory_bytes'), '{{instance}}'),
      ]),
    )
    .withPanel(
      lines({ title: 'Main thread', about: 'Share of its time that it was busy.', w: 8, h: 7, unit: 'percentunit' }, [
        series(processes, of('process_event_loop_share'), '{{instance}}'),
      ]),
    )
    .build()
}
