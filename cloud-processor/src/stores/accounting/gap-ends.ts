/** A gap without an end lasts until the first reading of its channel, `*` for any, after its start. */
import type { ReadingsRecord } from '@millrace/contract'

/** Time of the first reading or sample in the record that ends the gap. */
export function firstAfter(
  { channels, waves }: ReadingsRecord,
  { channel, fromMs }: { channel: string; fromMs: number },
): number | undefined {
  let first: number | undefined
  const see = (t: number | undefined) => {
    if (t !== undefined && (first === undefined || t < first)) first = t
  }
  for (const name in channels) if (channel === '*' || channel === name) see(channels[name]!.t.find((t) => t > fromMs))
  for (const name in waves) if (channel === '*' || channel === name) see(firstSample(waves[name]!, fromMs))
  return first
}

export function firstSample(segments: { t: number; i: number; v: number[] }[], fromMs: number): number | undefined {
  for (const { t, i, v } of segments) {
    const k = t > fromMs ? 0 : Math.floor((fromMs - t) / i) + 1
    if (k < v.length) return t + k * i
  }
  return undefined
}
