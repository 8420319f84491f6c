/** Cutting waveform segments by the times of their samples. */
import type { Segment } from '@millrace/contract'

/**
 * The samples at `from <= t <= to`. A quarter of an interval of slack absorbs what floating point does to `t + k * i` when a
 * store has joined or split segments in between. Undefined when none is left; the same object when all are.
 */
export function clipSegment(segment: Segment, from: number, to: number): Segment | undefined {
  const { t, i, v } = segment
  const first = Math.max(0, Math.ceil((from - t) / i - 0.25))
  const end = Math.min(v.length, Math.floor((to - t) / i + 0.25) + 1)
  if (first >= end) return undefined
  return first === 0 && end === v.length ? segment : { t: t + first * i, i, v: v.slice(first, end) }
}

/** Time of a sample in whole microseconds: by these every store tells samples apart, however it joins and splits segments. */
export function sampleMicroseconds({ t, i }: Segment, k: number): number {
  return Math.round((t + k * i) * 1000)
}

/** The samples after this time, in microseconds. Undefined when none is left; the same object when all are. */
export function samplesAfter(segment: Segment, last: number): Segment | undefined {
  const { t, i, v } = segment
  let first = Math.min(v.length, Math.max(0, Math.floor((last / 1000 - t) / i)))
  while (first < v.length && sampleMicroseconds(segment, first) <= last) first++
  if (first === v.length) return undefined
  return first === 0 ? segment : { t: t + first * i, i, v: v.slice(first) }
}
