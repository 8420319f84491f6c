/**
 * The model of a measurement. A reading's identity is (device, channel, atMs): no channel repeats a millisecond. So no
 * two samples of a waveform round to one, unless its channel declares more than 1,000 a second.
 *
 * Numbers stay the device's own integers from the decoder to the disk; `value = raw * scale + offset` is worked out
 * only where a person or a rule looks. Waveform samples travel as segments: a start, an interval, an array.
 */

/** Sparkplug B datatype names that a channel may have on the wire. */
export type Datatype =
  | 'Int16'
  | 'Int32'
  | 'Int64'
  | 'Float'
  | 'Double'
  | 'Boolean'
  | 'String'
  | 'Int16Array'
  | 'Int32Array'
  | 'FloatArray'

export type ChannelKind = 'number' | 'text' | 'boolean' | 'waveform'

/** What a device measures on one channel; it travels in the device's birth. */
export interface Channel {
  name: string
  kind: ChannelKind
  datatype: Datatype
  /** UCUM, such as `/min`, `%`, `mV`; `1` where the number has no dimension. */
  unit: string
  /** `value = raw * scale + offset`, in `unit`. Default 1. */
  scale?: number
  /** Default 0. */
  offset?: number
  /** Plausible lowest and highest value, in `unit`. */
  range?: [number, number]
  /** LOINC (`loinc:8867-4`) or MDC (`mdc:147842`) code. */
  code?: string
  /** Nominal time between readings; for a waveform the exact time between samples. May have a fraction. */
  intervalMs?: number
}

export type Quality = 'good' | 'uncertain' | 'bad'
export const qualityCodes = { good: 0, uncertain: 1, bad: 2 } as const

/** A raw value as the device gave it; numbers are unscaled. */
export type Value = number | string | boolean

/** Readings of one channel as columns, in time order. `q` is absent where all are good. */
export interface Column {
  t: number[]
  v: Value[]
  q?: number[]
}

/** Evenly spaced waveform samples: sample `k` was taken at `t + k * i` ms. Values are unscaled. */
export interface Segment {
  t: number
  i: number
  v: number[]
}

/** `No data` is not a value: an absence says from when, on which channels, and why. */
export interface Absence {
  /** `*` is every channel of the device. */
  channel: string
  t: number
  reason: AbsenceReason
}

export const absenceReasons = [
  'unplugged',
  'probe-off',
  'out-of-range',
  'searching',
  'link-down',
  'evicted',
  'agent-down',
  'stalled',
  'restored',
] as const
export type AbsenceReason = (typeof absenceReasons)[number]

/** All that one device measured between two closings of the batch timer. */
export interface Columns {
  channels: Record<string, Column>
  waves: Record<string, Segment[]>
  absences?: Absence[]
}

/** Scalars in the columns; waveform samples have a count of their own. */
export function countReadings(columns: Columns): number {
  let count = 0
  for (const name in columns.channels) count += columns.channels[name]!.t.length
  return count
}

export function countSamples(columns: Columns): number {
  let count = 0
  for (const name in columns.waves) for (const segment of columns.waves[name]!) count += segment.v.length
  return count
}

/** First and last time covered, in epoch ms; undefined when there is nothing inside. */
export function timeSpan(columns: Columns): { first: number; last: number } | undefined {
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  const see = (from: number, to: number) => {
    if (from < first) first = from
    if (to > last) last = to
  }
  for (const { t } of Object.values(columns.channels)) if (t.length > 0) see(t[0]!, t.at(-1)!)
  for (const segments of Object.values(columns.waves)) for (const s of segments) see(s.t, s.t + Math.max(0, s.v.length - 1) * s.i)
  for (const absence of columns.absences ?? []) see(absence.t, absence.t)
  return last === Number.NEGATIVE_INFINITY ? undefined : { first, last }
}

export function scaled(raw: number, channel: Pick<Channel, 'scale' | 'offset'>): number {
  return raw * (channel.scale ?? 1) + (channel.offset ?? 0)
}
