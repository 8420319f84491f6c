/**
 * Puts one readings record into the store: a batch for each hour it touches, and what was stored and what collapsed.
 *
 * Where the times of a column lie beside everything its series holds, nothing can collapse and nothing is read. Elsewhere the
 * overlapping rows are read and equal names counted. A collapse is charged to the stream of the record that came last, so
 * that stored + collapsed + expired of each stream is exactly what came on it, whichever reading survives. What comes for a
 * day of the device that has expired is counted as expired and not stored.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ReadingsRecord, Segment } from '@millrace/contract'
import { cover, isFree } from '../accounting/intervals.ts'
import { cutSegment, lastOf, resolvePoints, resolveSegments, rises } from '../accounting/resolve.ts'
import { putSeriesPoints, putSeriesSegments } from './batch.ts'
import { createWriter } from './bytes.ts'
import type { Points, PutPoints } from './chunk.ts'
import type { Counts, DayCount, StreamCount } from './counts.ts'
import type { Devices } from './devices.ts'
import { hourMs } from './file.ts'
import { type Device, dayOfHour, type Hour, type Hours, hourOf, nameSamples, type Series } from './hours.ts'
import { putSealFrame } from './seal.ts'

interface Piece {
  hour: number
  series: Series
  points?: Points
  segments?: Segment[]
  first: number
  last: number
  count: number
}

export interface ReadingsContext {
  devices: Devices
  hours: Hours
  counts: Counts
}

/** Where one record's readings are counted. */
interface Account {
  device: Device
  stream: StreamCount
  counts: Counts
}

export class Readings {
  readonly #context: ReadingsContext
  readonly #insert: StatementSync
  readonly #out = createWriter()

  constructor(db: DatabaseSync, context: ReadingsContext) {
    this.#context = context
    this.#insert = db.prepare('INSERT INTO batches VALUES (?, ?, ?, ?)')
  }

  /** Returns the hours written. */
  put(record: ReadingsRecord): { device: Device; written: Hour[] } {
    const { devices, counts } = this.#context
    const device = devices.of(record.device, record.hist ? undefined : record.subject)
    const account = { device, stream: counts.stream(record.stream ?? '', device.id), counts }
    const pieces = this.#piecesOf(record, account)
    const written: Hour[] = []
    for (const hour of new Set(pieces.map((piece) => piece.hour)))
      if (dayOfHour(hour) >= device.keptFrom) written.push(this.#putHour(account, hour, pieces))
      else for (const piece of pieces) if (piece.hour === hour) account.stream.expired[piece.points ? 0 : 1] += piece.count
    return { device, written }
  }

  #piecesOf(record: ReadingsRecord, account: Account): Piece[] {
    const { devices } = this.#context
    const { device } = account
    const pieces: Piece[] = []
    for (const channel in record.channels) {
      const column = record.channels[channel]!
      const points = tidy(column)
      if (points.t.length < column.t.length) countRepeats(account, 0, column.t, points.t)
      if (points.t.length > 0) cutPoints(devices.series(device, channel, false), points, pieces)
    }
    for (const channel in record.waves) {
      const given = record.waves[channel]!
      const segments = resolveSegments(given)
      const names = (list: Segment[]) => list.flatMap(sampleTimes)
      if (samplesIn(segments) < samplesIn(given)) countRepeats(account, 1, names(given), names(segments))
      if (segments.length > 0) cutSegments(devices.series(device, channel, true), segments, pieces)
    }
    return pieces
  }

  #putHour({ device, stream, counts }: Account, hour: number, pieces: Piece[]): Hour {
    const { hours } = this.#context
    const out = this.#out
    const state = hours.of(device, hour)
    const day = counts.day(device.id, dayOfHour(hour), stream.stream)
    let first = Number.POSITIVE_INFINITY
    let last = Number.NEGATIVE_INFINITY
    let before: PutPoints | undefined
    out.at = 0
    for (const piece of pieces) {
      if (piece.hour !== hour) continue
      countPiece(piece, this.#collapsedIn(state, piece), day, stream)
      if (piece.first < first) first = piece.first
      if (piece.last > last) last = piece.last
      if (piece.points) before = putSeriesPoints(out, piece.series.id, piece.points, before)
      else putSeriesSegments(out, piece.series.id, piece.segments!)
    }
    if (first < day.firstMs) day.firstMs = first
    if (last > day.lastMs) day.lastMs = last
    const id = hours.nextBatch(state)
    putSealFrame(out, pieces.at(-1)!.series.id, [id, first, last])
    this.#insert.run(id, first, last, out.bytes.subarray(0, out.at))
    return state
  }

  #collapsedIn(state: Hour, { series, points, segments, first, last }: Piece): number {
    const { hours } = this.#context
    let covered = hours.coveredBy(state, series)
    let free = isFree(covered, first - 0.001, last + 0.001)
    if (!free && !state.exact.has(series.id)) {
      covered = hours.readCovered(state, series)
      free = isFree(covered, first - 0.001, last + 0.001)
    }
    cover(covered, first, last)
    if (free) return 0
    const known = hours.namesWithin(state, series, { first: first - 0.001, last: last + 0.001 })
    const own = points ? points.t : namesOf(segments!)
    let collapsed = 0
    for (const name of own) if (known.has(name)) collapsed++
    return collapsed
  }
}

function countPiece(piece: Piece, collapsed: number, day: DayCount, stream: StreamCount): void {
  const kind = piece.points ? 0 : 1
  const stored = piece.count - collapsed
  day.stored[kind] += stored
  day.collapsed[kind] += collapsed
  stream.stored[kind] += stored
  stream.collapsed[kind] += collapsed
}

/** Rising times, each once; no qualities where all are good. */
function tidy(column: Points): Points {
  const points = rises(column.t) ? column : resolvePoints([column])
  return points.q && !points.q.some((code) => code !== 0) ? { t: points.t, v: points.v } : points
}

/** Repeats inside one record collapse too. */
function countRepeats({ device, stream, counts }: Account, kind: 0 | 1, given: number[], kept: number[]): void {
  const byDay = new Map<number, number>()
  const tally = (times: number[], sign: number) => {
    for (const t of times) byDay.set(dayOfHour(hourOf(t)), (byDay.get(dayOfHour(hourOf(t))) ?? 0) + sign)
  }
  tally(given, 1)
  tally(kept, -1)
  for (const [day, repeats] of byDay) {
    if (repeats === 0) continue
    if (day < device.keptFrom) {
      stream.expired[kind] += repeats
      continue
    }
    counts.day(device.id, day, stream.stream).collapsed[kind] += repeats
    stream.collapsed[kind] += repeats
  }
}

const sampleTimes = (segment: Segment) => segment.v.map((_, k) => segment.t + k * segment.i)
const samplesIn = (segments: Segment[]) => segments.reduce((sum, { v }) => sum + v.length, 0)

function namesOf(segments: Segment[]): Set<number> {
  const names = new Set<number>()
  for (const segment of segments) nameSamples(segment, names)
  return names
}

function cutPoints(series: Series, { t, v, q }: Points, pieces: Piece[]): void {
  for (let from = 0; from < t.length; ) {
    const hour = hourOf(t[from]!)
    const end = (hour + 1) * hourMs
    let to = t.length
    if (t[to - 1]! >= end) {
      to = from
      while (t[to]! < end) to++
    }
    const whole = from === 0 && to === t.length
    const points: Points = whole ? { t, v } : { t: t.slice(from, to), v: v.slice(from, to) }
    if (q) points.q = whole ? q : q.slice(from, to)
    pieces.push({ hour, series, points, first: t[from]!, last: t[to - 1]!, count: to - from })
    from = to
  }
}

/** A segment that crosses an hour is cut there: each sample lies in the hour of its own time. */
function cutSegments(series: Series, segments: Segment[], pieces: Piece[]): void {
  let piece: (Piece & { segments: Segment[] }) | undefined
  const put = (segment: Segment) => {
    const hour = hourOf(segment.t)
    const last = lastOf(segment)
    if (piece?.hour !== hour) {
      piece = { hour, series, segments: [], first: segment.t, last, count: 0 }
      pieces.push(piece)
    }
    piece.segments.push(segment)
    piece.last = Math.max(piece.last, last)
    piece.count += segment.v.length
  }
  for (const segment of segments) cutAtHours(segment, put)
}

function cutAtHours(segment: Segment, put: (segment: Segment) => void): void {
  const end = (hourOf(segment.t) + 1) * hourMs
  if (lastOf(segment) < end) return put(segment)
  let k = Math.max(1, Math.floor((end - segment.t) / segment.i))
  while (segment.t + k * segment.i < end) k++
  while (k > 1 && segment.t + (k - 1) * segment.i >= end) k--
  put(cutSegment(segment, 0, k)[0]!)
  for (const rest of cutSegment(segment, k, segment.v.length)) cutAtHours(rest, put)
}
