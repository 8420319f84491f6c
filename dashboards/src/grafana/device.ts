/** One device: its values, its waveforms at the resolution of their samples, and where data is missing. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { ledger, reading, total, wave } from '@millrace/cloud-processor/stores/influxdb-schema'
import { all, choice, dashboard, documentMarks, labelVariable, row } from './dashboard.ts'
import { absent, atCut, channels, devices, ever, offBalance, silentFor } from './knowledge.ts'
import { toAlarms, toPipeline, uids } from './links.ts'
import { is, like, standing, stored } from './names.ts'
import { lines, number, states, table } from './panels.ts'
import { counts, documents, field, newest, samples, series, single } from './queries.ts'
import type { Sources } from './sources.ts'
import { absence, flag, priority, quality, truth } from './states.ts'

const device = is('$device')
const mean = (series: string) => `avg_over_time(${series}[$__interval])`
const last = (series: string) => `last_over_time(${series}[$__interval])`

export function deviceDashboard(sources: Sources): Dashboard {
  const { store } = sources
  const small = { w: 4, h: 4 }
  const ofDevice = <K extends 'gaps' | 'alarms' | 'alarm-states'>(kind: K) => field(kind, 'device', '$device')
  return dashboard(uids.device, 'Device', 'Values, waveforms, gaps and alarms of one device.', 'now-15m')
    .withVariable(labelVariable(store, 'device', 'device', devices()).label('Device'))
    .withVariable(
      labelVariable(store, 'channel', 'channel', channels({ device, kind: is('number') }))
        .label('Channel')
        .multi(true)
        .includeAll(true)
        .current(all),
    )
    .withVariable(labelVariable(store, 'waveform', 'channel', channels({ device, kind: is('waveform') })).label('Waveform'))
    .withVariable(choice('window', ['10s', '2s', '5s', '30s', '60s']).label('Waveform for'))
    .withVariable(choice('what', ['readings', 'samples']).label('Ledger of'))
    .annotation(
      documentMarks(sources, 'gaps', {
        ...{ name: 'Gaps', color: 'orange', query: ofDevice('gaps'), text: 'reason', until: 'toMs' },
      }),
    )
    .annotation(
      documentMarks(sources, 'alarms', {
        ...{ name: 'Alarms raised', color: 'red', query: `${ofDevice('alarms')} AND ${field('alarms', 'change', 'raised')}` },
        text: 'text',
      }),
    )
    .withPanel(
      number(
        { title: 'Silent for', about: 'Since its newest stored reading.', ...small, unit: 's' },
        single(store, silentFor({ device })),
        { worse: [60, 300] },
      ),
    )
    .withPanel(
      number(
        { title: 'Open alarms', about: 'Whose newest change lies in the time shown.', ...small },
        counts(sources, 'alarm-states', `${ofDevice('alarm-states')} AND ${field('alarm-states', 'open', 'true')}`, []),
        { worse: [1, 5], sums: true, link: toAlarms },
      ),
    )
    .withPanel(
      number(
        { title: 'Off balance', about: 'What nothing explains at the newest cuts.', ...small },
        single(store, offBalance(['device'], { device })),
        { worse: [1], link: toPipeline },
      ),
    )
    .withPanel(
      number(
        { title: 'Readings stored', about: 'Ever.', ...small },
        single(store, `sum(last_over_time(${stored(total, 'stored_readings', { device })}[${ever}]))`),
      ),
    )
    .withPanel(
      table(
        { title: 'What it is', about: 'As it last declared itself.', w: 8, h: 4 },
        [newest(store, devices({ device }))],
        [{ of: 'device' }, { of: 'subject' }, { of: 'node' }],
      ),
    )
    .withRow(row('Values'))
    .withPanel(
      lines(
        { title: '$channel', about: 'Means where the time shown holds more readings than the chart has room for.', w: 12, h: 8 },
        [series(store, standing(reading, 'value', { device, channel: like('$channel') }, mean), '{{channel}}')],
      )
        .repeat('channel')
        .repeatDirection('h')
        .maxPerRow(2),
    )
    .withRow(row('Waveform, sample by sample'))
    .withPanel(
      lines(
        {
          title: '$waveform',
          about: 'The stored samples at their own times, up to the end of the time shown. Choose for how long above.',
          ...{ w: 24, h: 10 },
        },
        [samples(store, `${stored(wave, 'value', { device, channel: is('$waveform') })}[$window]`, '{{channel}}')],
      ),
    )
    .withPanel(
      lines(
        { title: '$waveform over the time shown', about: 'Least and greatest of each step.', w: 24, h: 7 },
        [
          ['min', 'least'],
          ['max', 'greatest'],
        ].map(([function_, legend]) =>
          series(
            store,
            standing(
              wave,
              'value',
              { device, channel: is('$waveform') },
              (series) => `${function_}_over_time(${series}[$__interval])`,
            ),
            `{{channel}} ${legend}`,
          ),
        ),
      ),
    )
    .withRow(row('States'))
    .withPanel(
      states(
        { title: 'On and off', about: 'Channels that hold true or false.', w: 12, h: 7 },
        [series(store, standing(reading, 'flag', { device }, last), '{{channel}}')],
        flag,
      ),
    )
    .withPanel(
      states(
        { title: 'Quality', about: 'As the device gave it; good where nothing is said.', w: 12, h: 7 },
        [series(store, standing(reading, 'quality', { device, channel: like('$channel') }, last), '{{channel}}')],
        quality,
      ),
    )
    .withPanel(
      states(
        { title: 'Where data is missing', about: 'By channel and reason; `*` is every channel of the device.', w: 24, h: 7 },
        [series(store, absent({ device }), '{{channel}} {{reason}}')],
        absence,
      ),
    )
    .withRow(row('What happened'))
    .withPanel(
      table(
        { title: 'Gaps', about: 'With what is known to be lost.', w: 12, h: 9 },
        [documents(sources, 'gaps', ofDevice('gaps'))],
        [
          ...[
            { of: '@timestamp', title: 'From' },
            { of: 'toMs', title: 'To', unit: 'dateTimeAsIso' },
          ],
          ...[{ of: 'channel' }, { of: 'reason' }],
          ...[
            { of: 'lostReadings', title: 'Readings lost' },
            { of: 'lostSamples', title: 'Samples lost' },
          ],
        ],
      ),
    )
    .withPanel(
      table(
        { title: 'Alarms', about: 'Newest state of each.', w: 12, h: 9 },
        [documents(sources, 'alarm-states', ofDevice('alarm-states'))],
        [
          ...[{ of: '@timestamp', title: 'Changed' }, { of: 'priority', states: priority }, { of: 'channel' }, { of: 'text' }],
          ...[
            { of: 'active', states: truth },
            { of: 'acknowledged', states: truth },
          ],
        ],
      ),
    )
    .withPanel(
      table(
        { title: 'Ledger', about: 'Of each stream at its newest cut.', w: 24, h: 6 },
        [
          newest(store, atCut(['read'], ['stream'], { device })),
          newest(store, atCut(['stored'], ['stream'], { device })),
          newest(store, offBalance(['stream'], { device })),
          newest(store, `max by (stream) (last_over_time(${stored(ledger, 'through', { device })}[$__range]))`),
        ],
        [
          ...[{ of: 'stream' }, { of: 'Value #D', title: 'Up to batch' }],
          ...[
            { of: 'Value #A', title: 'Read' },
            { of: 'Value #B', title: 'Stored' },
            { of: 'Value #C', title: 'Difference' },
          ],
        ],
      ),
    )
    .build()
}
