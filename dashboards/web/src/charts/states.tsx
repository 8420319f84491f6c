/** A text or a boolean over time, as a strip of its states. */
import type { GapEvent } from '@millrace/cloud-processor/web'
import type { Channel, Value } from '@millrace/contract'
import { useEffect, useState } from 'preact/hooks'
import { channelText, timeText, valueText } from '../format.ts'
import { fetchSeries } from '../live/api.ts'
import type { Device } from '../live/model.ts'
import { nowSecond } from '../live/time.ts'
import { type Run, runsOf, sharesOf } from './runs.ts'

interface StatesProps {
  device: Device
  channel: Channel
  rangeMs: number
}

interface Past {
  t: number[]
  v: Value[]
  gaps: GapEvent[]
}

/** What the processor gives at most in one answer. */
const pointsMax = 5000
const hues = ['cyan', 'amber', 'violet', 'green', 'coral', 'slate']

export function States({ device, channel, rangeMs }: StatesProps) {
  const { past, failed } = usePast({ device, channel, rangeMs })
  const now = nowSecond.value
  const shown = { fromMs: now - rangeMs, toMs: now }
  const runs = runsOf(withLive(past, device, channel), past.gaps, shown)
  const shares = sharesOf(runs)
  const values = shares.map(({ value }) => value)
  const hueAt = (value: Value) => `hue-${hues[values.indexOf(value) % hues.length]}`
  const words = (value: Value) => valueText(value, channel)
  const place = ({ fromMs, toMs }: Run) => ({
    left: `${(100 * (fromMs - shown.fromMs)) / rangeMs}%`,
    width: `${(100 * (toMs - fromMs)) / rangeMs}%`,
  })
  return (
    <figure class="trend states">
      <figcaption>
        <b>{channelText(channel.name)}</b>
        <span class="trend-readout">{runs.length > 0 ? words(runs.at(-1)!.value) : '–'}</span>
        {failed && <span class="wants"> {failed}</span>}
      </figcaption>
      <div class="states-strip" role="img" aria-label={`${channelText(channel.name)}: ${values.map(words).join(', ')}`}>
        {runs.map((run) => (
          <span
            key={run.fromMs}
            class={`state-run ${hueAt(run.value)}`}
            style={place(run)}
            title={`${words(run.value)}, ${timeText(run.fromMs)} to ${timeText(run.toMs)}`}
          >
            <span class="state-name">{words(run.value)}</span>
          </span>
        ))}
      </div>
      <div class="states-ends">
        <span>{timeText(shown.fromMs)}</span>
        <span>{timeText(shown.toMs)}</span>
      </div>
      <ul class="states-legend">
        {shares.map(({ value, ms }) => (
          <li key={`${value}`} class={hueAt(value)}>
            <span class="state-word">{words(value)}</span> <span class="soft">{percentText(ms / rangeMs)}</span>
          </li>
        ))}
      </ul>
    </figure>
  )
}

/** What the store has, asked again when the device's past has changed. */
function usePast({ device, channel, rangeMs }: StatesProps): { past: Past; failed: string } {
  const [past, setPast] = useState<Past>({ t: [], v: [], gaps: [] })
  const [failed, fail] = useState('')
  const revision = device.past.value
  useEffect(() => {
    const abort = new AbortController()
    const to = Math.round(nowSecond.peek())
    const query = { channel: channel.name, from: to - rangeMs, to, points: pointsMax }
    fetchSeries(device.name, query, abort.signal).then(
      (series) => {
        fail('')
        if (series.kind === 'points') setPast({ t: series.t, v: series.v, gaps: series.gaps })
      },
      (error: Error) => abort.signal.aborted || fail(error.message),
    )
    return () => abort.abort()
  }, [device, channel.name, rangeMs, revision])
  return { past, failed }
}

function percentText(share: number): string {
  return share > 0 && share < 0.01 ? '< 1 %' : `${Math.round(share * 100)} %`
}

/** What came live behind what the store had. */
function withLive({ t, v }: Past, device: Device, channel: Channel): { t: number[]; v: Value[] } {
  const live = device.states.get(channel.name)
  if (!live) return { t, v }
  const newest = t.at(-1) ?? Number.NEGATIVE_INFINITY
  const from = live.t.findIndex((at) => at > newest)
  return from < 0 ? { t, v } : { t: [...t, ...live.t.slice(from)], v: [...v, ...live.v.slice(from)] }
}
