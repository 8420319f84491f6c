/**
 * What VictoriaMetrics holds, asked of itself: every point of every metric of readings and waveform samples, by its own export.
 * A reading is `reading_value` or `reading_flag` (a boolean), a sample `wave_value`, with the labels `device` and `channel`; the
 * value is physical: the device's own number is found back by the declared scale, or stands beside it as `..._raw`.
 */
import type { Channel, Value } from '@millrace/contract'
import type { Api } from 'millrace'
import type { Series, StoredSeries } from './stored.ts'
import { sorted } from './timeline.ts'

export interface ExportedSeries {
  stored: StoredSeries
  /** By device: points under the label of a second writing of the same reading. Messages without a time of their own may come in one millisecond. */
  rewritten: Map<string, number>
}

/** VictoriaMetrics keeps times in whole milliseconds. */
export const storedSameMs = 1

interface Line {
  metric: Record<string, string>
  values: number[]
  timestamps: number[]
}

export async function exportAll(address: string, api: Api): Promise<ExportedSeries> {
  await get(`${address}/internal/force_flush`)
  const declared = new Map((await api.fleet()).map(({ device, channels }) => [device, channels]))
  const lines = await exported(address, '{__name__=~"(reading|wave)_(value|flag)"}')
  const raws = new Map<string, Map<number, number>>()
  for (const { metric, values, timestamps } of await exported(address, '{__name__=~"(reading|wave)_raw"}'))
    raws.set(keyOf(metric), new Map(timestamps.map((t, k) => [t, values[k]!])))
  const stored: StoredSeries = new Map()
  const rewritten: ExportedSeries['rewritten'] = new Map()
  for (const { metric, values, timestamps } of lines) {
    const {
      device,
      channel,
      rev,
      __name__: name,
    } = metric as Record<'device' | 'channel' | '__name__', string> & { rev?: string }
    if (rev !== undefined) rewritten.set(device, (rewritten.get(device) ?? 0) + values.length)
    const rawOf = toRaw(declared.get(device)?.find((one) => one.name === channel))
    const raw = raws.get(keyOf(metric))
    const of = (value: number, t: number): Value => (name.endsWith('_flag') ? value === 1 : (raw?.get(t) ?? rawOf(value)))
    const channels = stored.get(device) ?? new Map<string, Series>()
    stored.set(device, channels)
    const before = channels.get(channel) ?? { t: [], v: [] }
    channels.set(
      channel,
      sorted({ t: [...before.t, ...timestamps], v: [...before.v, ...values.map((value, k) => of(value, timestamps[k]!))] }),
    )
  }
  return { stored, rewritten }
}

/** Rounded where the decimal arithmetic of scale and offset is all that stands between. */
function toRaw(channel: Channel | undefined): (value: number) => number {
  const { scale = 1, offset = 0 } = channel ?? {}
  if (scale === 1 && offset === 0) return (value) => value
  return (value) => {
    const raw = (value - offset) / scale
    return Math.abs(raw - Math.round(raw)) < 1e-9 * Math.max(1, Math.abs(raw)) ? Math.round(raw) : raw
  }
}

async function exported(address: string, match: string): Promise<Line[]> {
  const answer = await get(`${address}/api/v1/export?start=0&match[]=${encodeURIComponent(match)}`)
  return (await answer.text())
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

async function get(url: string): Promise<Response> {
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
  return answer
}

const keyOf = ({ device, channel, rev }: Record<string, string>) => `${device}/${channel}/${rev ?? ''}`
