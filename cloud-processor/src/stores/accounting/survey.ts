/**
 * What readings hold of each series, before anything is written, and where something may lie already.
 *
 * A piece whose times lie beside all that its series has written is new, and nothing is asked. A piece that touches a written
 * stretch is *suspect*: the engine is asked which of its times it holds. Stretches are joined only over holes of up to 1.5
 * times the series' usual interval, so that a hole which a backlog will fill stays a hole. A bounded list of stretches can
 * cover more than was written, never less: that makes more suspects, and no wrong count.
 */
import type { Channel, ReadingsRecord, Segment } from '@millrace/contract'
import type { SeriesPoints } from '../store.ts'
import { cover, isFree } from './intervals.ts'
import { lastOf, resolvePoints, resolveSegments, rises } from './resolve.ts'
import { type AccountState, type DeviceState, type SeriesState, seriesOf } from './state.ts'
import type { Taken } from './take.ts'

/** What one record holds of one series, each time once. */
export interface Piece {
  offset: number
  device: string
  channel: string
  stream: string
  atMs: number
  /** The newest tick at its place. */
  nowMs: number
  points: SeriesPoints | undefined
  segments: Segment[] | undefined
  /** Readings or samples in it. */
  count: number
  /** Times that the record itself held twice. */
  repeats: number
  first: number
  last: number
  /** Its channel is refused: the engine could not tell its samples apart. */
  isTooFine: boolean
  /** It may collapse with what is there. */
  isSuspect: boolean
  /** As declared when the piece came. */
  declared: Channel | undefined
}

/** A name is a time in steps of the engine's resolution; times of one name cannot both be stored. */
export const nameOf = (ms: number, resolutionMs: number) => Math.round(ms * (1 / resolutionMs))

/** Whether the engine could not tell the samples of a waveform apart, by its declaration. */
export const isTooFine = ({ kind, intervalMs }: Channel, resolutionMs: number) =>
  kind === 'waveform' && intervalMs !== undefined && intervalMs < resolutionMs

const isWave = (piece: Piece): boolean => piece.segments !== undefined
/** Of a series within a device. */
export const seriesName = (piece: Piece): string => `${isWave(piece) ? '~' : ''}${piece.channel}`
export const decisionKey = (piece: Piece): string => `${piece.offset} ${seriesName(piece)}`

const holeIntervals = 1.5

/** Pieces of a readings record; their times count as written from now on. */
export function survey(state: AccountState, taken: Taken & { record: ReadingsRecord }, resolutionMs: number): Piece[] {
  const { record } = taken
  const device = state.devices.get(record.device)!
  const pieces: Piece[] = []
  for (const channel in record.channels) {
    const piece = pieceOfPoints(device, taken, channel)
    if (piece) pieces.push(piece)
  }
  for (const channel in record.waves) {
    const piece = pieceOfSegments(device, taken, channel, resolutionMs)
    if (piece) pieces.push(piece)
  }
  return pieces
}

function pieceOfPoints(device: DeviceState, taken: Taken & { record: ReadingsRecord }, channel: string): Piece | undefined {
  const { offset, timeMs, nowMs, record } = taken
  const given = record.channels[channel]!
  const points = rises(given.t) ? given : resolvePoints([given])
  const count = points.t.length
  if (count === 0) return undefined
  const declared = declaredAs(device, channel)
  // Written out: a channel of a message often holds one reading, so there are nearly as many pieces as readings.
  return {
    offset,
    device: record.device,
    channel,
    stream: record.stream ?? '',
    atMs: timeMs,
    nowMs,
    points,
    segments: undefined,
    count,
    repeats: given.t.length - count,
    first: points.t[0]!,
    last: points.t[count - 1]!,
    isTooFine: false,
    isSuspect: coverPoints(seriesOf(device.points, channel), points.t, declared?.intervalMs ?? 0),
    declared,
  }
}

function pieceOfSegments(
  device: DeviceState,
  { offset, timeMs, nowMs, record }: Taken & { record: ReadingsRecord },
  channel: string,
  resolutionMs: number,
): Piece | undefined {
  const given = record.waves[channel]!
  const declared = declaredAs(device, channel)
  const isRefused = declared !== undefined && isTooFine(declared, resolutionMs)
  const segments = isRefused ? given : resolveSegments(given)
  const count = isRefused ? samplesIn(given) : distinctIn(segments, resolutionMs)
  if (count === 0) return undefined
  const first = segments[0]!.t
  return {
    offset,
    device: record.device,
    channel,
    stream: record.stream ?? '',
    atMs: timeMs,
    nowMs,
    points: undefined,
    segments,
    count,
    repeats: samplesIn(given) - count,
    first,
    last: segments.reduce((latest, segment) => Math.max(latest, lastOf(segment)), first),
    isTooFine: isRefused,
    isSuspect: !isRefused && coverSegments(seriesOf(device.waves, channel), segments, resolutionMs),
    declared,
  }
}

/** Samples closer to each other than the engine can tell apart share a name. */
function distinctIn(segments: Segment[], resolutionMs: number): number {
  const count = samplesIn(segments)
  const isCoarse = segments.some((segment, k) => {
    const next = segments[k + 1]
    return segment.i < resolutionMs || (next && next.t < lastOf(segment) + resolutionMs)
  })
  if (!isCoarse || resolutionMs <= finestMs) return count
  const names = new Set<number>()
  for (const { t, i, v } of segments) for (let k = 0; k < v.length; k++) names.add(nameOf(t + k * i, resolutionMs))
  return names.size
}

/** Of resolve.ts. */
const finestMs = 0.001

const samplesIn = (segments: Segment[]) => segments.reduce((sum, { v }) => sum + v.length, 0)
const declaredAs = ({ channels }: DeviceState, name: string) => channels.find((channel) => channel.name === name)

/** True when a run of them touches what is written. */
function coverPoints(series: SeriesState, t: number[], declaredMs: number): boolean {
  const end = series.written.at(-1)
  // Nearly always: all of it follows what is written.
  let previous = end ?? t[0]!
  let isSuspect = false
  for (let from = 0, to = 0; to < t.length; from = to) {
    do {
      const delta = t[to]! - previous
      // One long silence says nothing about the usual interval.
      if (delta > 0 && (series.usualMs === 0 || delta < 10 * series.usualMs))
        series.usualMs = series.usualMs === 0 ? delta : series.usualMs + (delta - series.usualMs) / 8
      previous = t[to]!
      to++
    } while (to < t.length && t[to]! - previous <= hole(series, declaredMs))
    isSuspect = !isFree(series.written, t[from]!, previous) || isSuspect
    cover(series.written, t[from]!, previous, hole(series, declaredMs))
  }
  return isSuspect
}

const hole = (series: SeriesState, declaredMs: number) => holeIntervals * Math.max(series.usualMs, declaredMs)

/** Rounding moves a sample by half the resolution at most. */
function coverSegments(series: SeriesState, segments: Segment[], besideMs: number): boolean {
  let isSuspect = false
  for (const segment of segments) {
    const last = lastOf(segment)
    isSuspect = !isFree(series.written, segment.t - besideMs, last + besideMs) || isSuspect
    cover(series.written, segment.t, last, holeIntervals * segment.i)
  }
  return isSuspect
}
