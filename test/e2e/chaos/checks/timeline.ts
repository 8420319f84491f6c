/** What a reader of the timeline learns who follows the published rule: readings as columns, waveforms as single samples. */

import type { ReadingsRecord, Segment } from '@millrace/contract'
import { byChannel } from '../by-channel.ts'
import type { LogView } from './log.ts'
import { type Series, type StoredSeries, samplesOf } from './stored.ts'

export interface TimelineReadings {
  series: StoredSeries
  /** Batches by their name that were read more than once. */
  twice: string[]
  /** By device: when each record was appended, and the newest event time in it. */
  arrivals: Map<string, { atMs: number; newestMs: number }[]>
}

export async function readTimeline(log: LogView): Promise<TimelineReadings> {
  const series: StoredSeries = new Map()
  const waves = new Map<string, Map<string, Segment[]>>()
  const names = new Set<string>()
  const twice: string[] = []
  const arrivals: TimelineReadings['arrivals'] = new Map()
  for await (const { record, timeMs } of log.read('timeline')) {
    if (record.k !== 'readings') continue
    const { device, stream, number, channels, waves: segments } = record as unknown as ReadingsRecord
    const name = `${stream}/${number}`
    // What has no number is of a device without an agent.
    if (number !== undefined && names.has(name)) twice.push(name)
    names.add(name)
    const list = arrivals.get(device) ?? []
    arrivals.set(device, list)
    const newest = Object.values(channels).map(({ t }) => t.at(-1) ?? 0)
    if (newest.length > 0) list.push({ atMs: timeMs, newestMs: Math.max(...newest) })
    for (const [channel, { t, v }] of Object.entries(channels)) {
      const column = byChannel(series, device, channel, (): Series => ({ t: [], v: [] }))
      for (const at of t) column.t.push(at)
      for (const value of v) column.v.push(value)
    }
    for (const [channel, list] of Object.entries(segments))
      for (const segment of list) byChannel(waves, device, channel, (): Segment[] => []).push(segment)
  }
  // Live data overtakes the backlog: their order in the topic is not that of their times.
  for (const channels of series.values()) for (const [channel, column] of channels) channels.set(channel, sorted(column))
  for (const [device, channels] of waves)
    for (const [channel, list] of channels)
      byChannel(series, device, channel, () => samplesOf(list.toSorted((a, b) => a.t - b.t)))
  return { series, twice, arrivals }
}

export function sorted({ t, v }: Series): Series {
  const order = [...t.keys()].sort((a, b) => t[a]! - t[b]!)
  return { t: order.map((k) => t[k]!), v: order.map((k) => v[k]!) }
}
