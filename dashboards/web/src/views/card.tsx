/** One device at a glance. */

import { hueOf, mainChannels, waveforms } from '../channels.ts'
import { alarmsOf, type Device } from '../live/model.ts'
import { AlarmLine, QualityBadges, StateBadge } from '../parts/badges.tsx'
import { silenceOf } from '../parts/silence.ts'
import { BigValue } from '../parts/value.tsx'
import { deviceHref } from '../route.ts'
import { SparkTrace, WaveTrace } from '../traces/trace.tsx'

export function DeviceCard({ device }: { device: Device }) {
  const view = device.view.value
  const open = alarmsOf(device.name)
  const worst = open[0]
  const numbers = mainChannels(view.channels, 3)
  const waves = waveforms(view.channels)
  const [wave] = waves
  const drawn = wave ?? numbers[0]
  const silence = silenceOf(view, drawn?.name)
  return (
    <a
      class={`card state-${view.state} ${worst ? `alarmed priority-${worst.priority} ${worst.active ? '' : 'over'}` : ''}`}
      href={deviceHref(device.name)}
    >
      <div class="card-head">
        <h2>{view.subject}</h2>
        {view.subject !== view.device && <span class="soft ellipsis">{view.device}</span>}
        <StateBadge view={view} />
      </div>
      <div class={`card-trace ${silence ? 'silent' : ''}`}>
        {silence && <span class="silence">{silence}</span>}
        {wave && <WaveTrace device={device} channel={wave.name} hue={hueOf(wave)} />}
        {!wave && drawn && drawn.kind === 'number' && <SparkTrace device={device} channel={drawn.name} hue={hueOf(drawn)} />}
      </div>
      {numbers.length === 0 &&
        waves.slice(1, 3).map((more) => (
          <div class="card-trace low" key={more.name}>
            <WaveTrace device={device} channel={more.name} hue={hueOf(more)} />
          </div>
        ))}
      <div class="values">
        {numbers.map((channel) => (
          <BigValue key={channel.name} device={device} channel={channel} />
        ))}
        {numbers.length === 0 && waves.length === 0 && <span class="soft">Not declared yet</span>}
      </div>
      {(worst || view.absences.length > 0) && (
        <div class="card-foot">
          {worst && <AlarmLine alarm={worst} />}
          {open.length > 1 && <span class="soft">and {open.length - 1} more</span>}
          <QualityBadges view={view} />
        </div>
      )}
    </a>
  )
}
