/** One device: waveforms as they run, values, trends with history, its alarms and its ledger. */
import type { LastValue } from '@millrace/cloud-processor/web'
import type { Channel, Value } from '@millrace/contract'
import { signal } from '@preact/signals'
import { hueOf, mainChannels, waveforms } from '../channels.ts'
import { States } from '../charts/states.tsx'
import { Trend } from '../charts/trend.tsx'
import { channelText, unitText, valueText, whenText } from '../format.ts'
import { alarmsOf, type Device, device, deviceNames, ledger } from '../live/model.ts'
import { nowSecond } from '../live/time.ts'
import { QualityBadges, StateBadge } from '../parts/badges.tsx'
import { Icon } from '../parts/icons.tsx'
import { Segments } from '../parts/segments.tsx'
import { silenceOf } from '../parts/silence.ts'
import { BigValue } from '../parts/value.tsx'
import { WaveTrace } from '../traces/trace.tsx'
import { AlarmRow } from './alarms.tsx'
import { Equation } from './ledger.tsx'
import { RegistryPanel } from './registry.tsx'

const ranges = [
  { label: '5 min', ms: 300_000 },
  { label: '15 min', ms: 900_000 },
  { label: '1 h', ms: 3_600_000 },
  { label: '6 h', ms: 21_600_000 },
  { label: '24 h', ms: 86_400_000 },
  { label: '7 d', ms: 604_800_000 },
]
const rangeMs = signal(900_000)

export function DeviceView({ name }: { name: string }) {
  void deviceNames.value
  const known = device(name)
  if (!known) return <Unknown name={name} />
  const { channels } = known.view.value
  const open = alarmsOf(name)
  return (
    <>
      <Head device={known} />
      {open.length > 0 && (
        <ul class="alarm-list" aria-label="Open alarms of this device">
          {open.map((alarm) => (
            <AlarmRow key={alarm.id} alarm={alarm} />
          ))}
        </ul>
      )}
      <Monitor device={known} />
      <Trends device={known} />
      <DeviceLedger name={name} />
      <RegistryPanel key={name} name={name} />
      <Channels device={known} waves={waveforms(channels).length} />
    </>
  )
}

function Head({ device: known }: { device: Device }) {
  const view = known.view.value
  return (
    <header class="view-head">
      <a class="back" href="#/" aria-label="Back to the fleet">
        <Icon name="back" />
      </a>
      <h1 tabIndex={-1}>{view.subject}</h1>
      <StateBadge view={view} />
      <p class="summary">
        {view.subject !== view.device && <span>{view.device}</span>}
        {view.name && <span>{view.name}</span>}
        {view.place && <span>at {view.place}</span>}
        {view.decommissionedMs !== undefined && <span>decommissioned</span>}
        <span>via {view.node || 'unknown node'}</span>
        {view.lastSeenMs && <span>last reading {whenText(view.lastSeenMs, nowSecond.value)}</span>}
        <QualityBadges view={view} />
      </p>
    </header>
  )
}

/** Waveforms beside the values that they belong to, as on a bedside monitor. */
function Monitor({ device: known }: { device: Device }) {
  const { channels } = known.view.value
  const waves = waveforms(channels)
  const numbers = mainChannels(channels, 4)
  return (
    <div class={`monitor ${waves.length === 0 ? 'no-waves' : ''} ${numbers.length === 0 ? 'no-values' : ''}`}>
      {waves.length > 0 && (
        <div class="strips">
          {waves.slice(0, 8).map((wave) => (
            <Strip key={wave.name} device={known} wave={wave} />
          ))}
        </div>
      )}
      <div class="values big">
        {numbers.map((channel) => (
          <BigValue key={channel.name} device={known} channel={channel} />
        ))}
      </div>
    </div>
  )
}

function Strip({ device: known, wave }: { device: Device; wave: Channel }) {
  const silence = silenceOf(known.view.value, wave.name)
  return (
    <div class={`strip hue-${hueOf(wave)} ${silence ? 'silent' : ''}`}>
      {silence && <span class="silence">{silence}</span>}
      <span class="strip-name">
        {channelText(wave.name)} <span class="soft">{unitText(wave.unit)}</span>
      </span>
      <WaveTrace device={known} channel={wave.name} hue={hueOf(wave)} windowMs={10_000} />
    </div>
  )
}

function Trends({ device: known }: { device: Device }) {
  const { channels } = known.view.value
  const numbers = channels.filter(({ kind }) => kind === 'number')
  const states = channels.filter(({ kind }) => kind === 'text' || kind === 'boolean')
  if (numbers.length + states.length === 0) return null
  return (
    <section aria-labelledby="trends">
      <div class="section-head">
        <h2 id="trends">Trends</h2>
        <Segments
          label="How far back"
          choices={ranges.map(({ label, ms }) => ({ value: ms, text: label }))}
          chosen={rangeMs.value}
          choose={(ms) => {
            rangeMs.value = ms
          }}
        />
      </div>
      <div class="trends">
        {numbers.map((channel) => (
          <Trend key={channel.name} device={known} channel={channel} rangeMs={rangeMs.value} />
        ))}
        {states.map((channel) => (
          <States key={channel.name} device={known} channel={channel} rangeMs={rangeMs.value} />
        ))}
      </div>
    </section>
  )
}

function DeviceLedger({ name }: { name: string }) {
  const sum = ledger.value?.devices.find((one) => one.device === name)
  if (!sum) return null
  return (
    <section aria-labelledby="device-ledger">
      <h2 id="device-ledger">Ledger of this device</h2>
      {(sum.read[0] > 0 || sum.read[1] === 0) && <Equation sum={sum} unit={0} />}
      {sum.read[1] > 0 && <Equation sum={sum} unit={1} />}
    </section>
  )
}

function Channels({ device: known, waves }: { device: Device; waves: number }) {
  const { channels, lastKnown = {} } = known.view.value
  const copies = new Map(Object.entries(lastKnown))
  const last = known.last.value
  if (channels.length === 0) return null
  return (
    <details class="channels">
      <summary>
        {channels.length} channels{waves > 0 && `, ${waves} of them waveforms`}
      </summary>
      <div class="scroll-x">
        <table>
          <thead>
            <tr>
              {['Channel', 'Last', 'Unit', 'Code', 'At'].map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {channels.map((channel) => (
              <ChannelRow key={channel.name} channel={channel} value={last.get(channel.name)} known={copies.get(channel.name)} />
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}

interface Row {
  channel: Channel
  value: LastValue | undefined
  /** Where there is no value: what a retained copy said. */
  known: Value | undefined
}

function ChannelRow({ channel, value, known }: Row) {
  const shown = value?.v ?? known
  return (
    <tr>
      <th scope="row">{channel.name}</th>
      <td class="number">{shown === undefined ? '–' : valueText(shown, channel)}</td>
      <td>{unitText(channel.unit)}</td>
      <td class="soft">{channel.code ?? ''}</td>
      <td class="soft">{value ? whenText(value.t, nowSecond.value) : known !== undefined && 'last known'}</td>
    </tr>
  )
}

function Unknown({ name }: { name: string }) {
  return (
    <>
      <header class="view-head">
        <a class="back" href="#/" aria-label="Back to the fleet">
          <Icon name="back" />
        </a>
        <h1 tabIndex={-1}>{name}</h1>
      </header>
      <div class="empty">
        <p>This device has not spoken yet, or it is not known here.</p>
      </div>
    </>
  )
}
