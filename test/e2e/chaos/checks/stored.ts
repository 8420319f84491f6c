/** What the store holds, by the processor's API: scalars as columns, waveforms as single samples, in the order of time. */
import type { Value } from '@millrace/contract'
import type { Api } from 'millrace'

export interface Series {
  t: number[]
  v: Value[]
}

/** By device and channel. */
export type StoredSeries = Map<string, Map<string, Series>>

export async function readStored(api: Api): Promise<StoredSeries> {
  const stored: StoredSeries = new Map()
  for (const { device, channels } of await api.fleet()) {
    const series = new Map<string, Series>()
    stored.set(device, series)
    for (const { name, kind } of channels) {
      if (kind === 'waveform') series.set(name, samplesOf(await api.exportSegments(device, name, 0, 8e15)))
      else {
        const points = await api.exportPoints(device, name, 0, 8e15)
        series.set(name, { t: points.map(({ t }) => t), v: points.map(({ v }) => v) })
      }
    }
  }
  return stored
}

/** Segments in order of time, as single samples. */
export function samplesOf(segments: { t: number; i: number; v: number[] }[]): Series {
  const series: Series = { t: [], v: [] }
  for (const { t, i, v } of segments) {
    for (let k = 0; k < v.length; k++) {
      series.t.push(t + k * i)
      series.v.push(v[k]!)
    }
  }
  return series
}
