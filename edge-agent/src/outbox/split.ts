/**
 * Cuts what one device measured into batches that fit the bounds. A cut is in time, so that batches stay in time order;
 * where one instant alone is too much, by channel. A single value above the bound stays whole.
 */

import { type BadFrame, type Column, type Columns, countReadings, type Segment, timeSpan } from '@millrace/contract'
import { ownOr, setOwn } from '@millrace/platform'
import type { Batch } from './content.ts'

export interface BatchBounds {
  batchBytesMax: number
  batchReadingsMax: number
}

export function split(columns: Columns, bad: BadFrame[], bounds: BatchBounds): Batch[] {
  const batches = splitColumns(columns, bounds).map((part): Batch => ({ columns: part, bad: [] }))
  for (const frames of chunk(bad, bounds.batchBytesMax, badBytes)) {
    const last = batches.at(-1)
    const room = last && last.bad.length === 0 && columnBytes(last.columns) + sum(frames, badBytes) <= bounds.batchBytesMax
    if (room) last.bad = frames
    else batches.push({ columns: { channels: {}, waves: {} }, bad: frames })
  }
  return batches
}

function splitColumns(columns: Columns, bounds: BatchBounds): Columns[] {
  const span = timeSpan(columns)
  if (!span) return []
  if (columnBytes(columns) <= bounds.batchBytesMax && countReadings(columns) <= bounds.batchReadingsMax) return [columns]
  const middle = (span.first + span.last) / 2
  const parts = middle < span.last ? cutAt(columns, middle) : halve(columns)
  return parts ? parts.flatMap((part) => splitColumns(part, bounds)) : [columns]
}

/** The early one and the late one. */
type Parts = [Columns, Columns]

function twoParts(): Parts {
  return [
    { channels: {}, waves: {} },
    { channels: {}, waves: {} },
  ]
}

/** What is at `time` goes to the first part, what is above it to the second; neither is empty as `time` is inside the span. */
function cutAt({ channels, waves, absences = [] }: Columns, time: number): Parts {
  const parts = twoParts()
  for (const name in channels) cutColumn(name, channels[name]!, time, parts)
  for (const name in waves) for (const segment of waves[name]!) cutSegment(name, segment, time, parts)
  for (const absence of absences) {
    const part = parts[absence.t <= time ? 0 : 1]
    part.absences ??= []
    part.absences.push(absence)
  }
  return parts
}

function cutColumn(name: string, { t, v, q }: Column, time: number, [early, late]: Parts): void {
  let cut = t.findIndex((at) => at > time)
  if (cut < 0) cut = t.length
  const slice = (from: number, to: number): Column => ({
    t: t.slice(from, to),
    v: v.slice(from, to),
    ...(q ? { q: q.slice(from, to) } : {}),
  })
  if (cut > 0) setOwn(early.channels, name, slice(0, cut))
  if (cut < t.length) setOwn(late.channels, name, slice(cut, t.length))
}

function cutSegment(name: string, { t, i, v }: Segment, time: number, [early, late]: Parts): void {
  const cut = i > 0 ? Math.min(v.length, Math.max(0, Math.floor((time - t) / i) + 1)) : t <= time ? v.length : 0
  const add = (part: Columns, segment: Segment) => {
    ownOr(part.waves, name, () => []).push(segment)
  }
  if (cut > 0) add(early, { t, i, v: v.slice(0, cut) })
  if (cut < v.length) add(late, { t: t + cut * i, i, v: v.slice(cut) })
}

/** One instant: half of the channels each. Undefined when there is only one thing. */
function halve({ channels, waves, absences = [] }: Columns): Parts | undefined {
  const things: ((part: Columns) => void)[] = []
  for (const [name, column] of Object.entries(channels)) things.push((part) => Object.assign(part.channels, { [name]: column }))
  for (const [name, segments] of Object.entries(waves)) things.push((part) => Object.assign(part.waves, { [name]: segments }))
  if (absences.length > 0) things.push((part) => Object.assign(part, { absences }))
  if (things.length < 2) return undefined
  const parts = twoParts()
  for (const [index, put] of things.entries()) put(parts[index < things.length / 2 ? 0 : 1])
  return parts
}

// A Sparkplug metric: alias 4, timestamp 8, datatype 2, value up to 10, framing 4.
const metricBytes = 28
const sampleBytes = 4

/** About what the columns take on the wire, rather too much than too little. Exported for its test. */
export function columnBytes({ channels, waves, absences = [] }: Columns): number {
  let bytes = 64
  for (const name in channels) {
    const { v } = channels[name]!
    bytes += v.length * metricBytes
    if (typeof v[0] === 'string') for (const text of v) bytes += 3 * String(text).length
  }
  for (const name in waves) for (const { v } of waves[name]!) bytes += 64 + v.length * sampleBytes
  return bytes + absences.length * 96
}

function badBytes(frame: BadFrame): number {
  return frame.hex.length + frame.reason.length + 64
}

function sum<T>(items: T[], bytesOf: (item: T) => number): number {
  return items.reduce((total, item) => total + bytesOf(item), 0)
}

function chunk<T>(items: T[], bytesMax: number, bytesOf: (item: T) => number): T[][] {
  const chunks: T[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const item of items) {
    if (bytes + bytesOf(item) > bytesMax) {
      chunks.push([])
      bytes = 0
    }
    chunks.at(-1)!.push(item)
    bytes += bytesOf(item)
  }
  return chunks
}
