/**
 * The model of a measurement. A reading's identity is (device, channel, atMs): no channel repeats a millisecond. So no
 * two samples of a waveform round to one, unless its channel declares more than 1,000 a second.
 *
 * Numbers stay the device's own integers from the decoder to the disk; `value = raw * scale + offset` is worked out
 * only where a person or a rule looks. Waveform samples travel as segments: a start, an interval, an array.
 */

import type { AbsenceReason } from './codes/absences.ts'
import type { Channel, Column, Segment } from './records/fields.ts'

/** Sparkplug B datatype names that a channel may have on the wire. */
export type Datatype = Channel['datatype']
export type ChannelKind = Channel['kind']

export type Quality = 'good' | 'uncertain' | 'bad'
export const qualityCodes = { good: 0, uncertain: 1, bad: 2 } as const

/** A raw value as the device gave it; numbers are unscaled. */
export type Value = number | string | boolean

/** `No data` is not a value: an absence says from when, on which channels, and why. */
export interface Absence {
  /** `*` is every channel of the device. */
  channel: string
  t: number
  reason: AbsenceReason
}

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
