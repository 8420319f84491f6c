/** Questions about one series: its readings, its segments, and their roll-up. */
import type { DatabaseSync } from 'node:sqlite'
import type { Segment } from '@millrace/contract'
import { Refusal } from '@millrace/platform/worker-side'
import { cutSegment, lastOf, resolvePoints, resolveSegments } from '../accounting/resolve.ts'
import { createRollUp, minuteMs, rollUpPoints, rollUpSegments } from '../accounting/roll-up.ts'
import type { RollUp, SeriesPoints, Stretch } from '../store.ts'
import { chunkOf, pointsOf, segmentsOf } from './batch.ts'
import type { Points } from './chunk.ts'
import { hourMs } from './file.ts'
import type { StoredRows } from './rows.ts'

interface Series {
  id: number
  device: number
  /** Day before which everything has expired. */
  keptFrom: number
  isWave: boolean
}

/** A UTC hour of a series, with the id of its batches where any are unmerged. */
type HourAt = [hour: number, batches: number | undefined]

/** Epoch ms. */
interface Between {
  fromMs: number
  toMs: number
}

export class SeriesQuestions {
  readonly #sql: ReturnType<typeof prepare>
  readonly #rows: StoredRows
  readonly #pointsMax: number

  constructor(db: DatabaseSync, rows: StoredRows, pointsMax: number) {
    this.#sql = prepare(db)
    this.#rows = rows
    this.#pointsMax = pointsMax
  }

  points(of: Stretch, limit?: number): SeriesPoints {
    const pointsMax = this.#pointsMax
    const most = Math.min(limit ?? Number.POSITIVE_INFINITY, pointsMax + 1)
    const found: Points[] = []
    let count = 0
    for (const bodies of this.#eachHour(this.#find(of, false), of)) {
      const part = between(resolvePoints(bodies.map(pointsOf)), of, most - count)
      found.push(part)
      count += part.t.length
      if (count > pointsMax) throw tooLarge(pointsMax, 'readings')
      if (count >= most) break
    }
    return found.length === 0 ? { t: [], v: [] } : resolvePoints(found)
  }

  segments(of: Stretch, limit?: number): Segment[] {
    const pointsMax = this.#pointsMax
    const found: Segment[] = []
    let samples = 0
    for (const bodies of this.#eachHour(this.#find(of, true), of))
      for (const segment of resolveSegments(bodies.flatMap(segmentsOf))) {
        if (lastOf(segment) < of.fromMs || segment.t > of.toMs) continue
        if (limit === undefined && samples + segment.v.length > pointsMax) throw tooLarge(pointsMax, 'samples')
        if (found.length >= limit! || samples >= pointsMax) return found
        const parts = segment.v.length > pointsMax ? cutFrom(segment, of.fromMs, pointsMax) : [segment]
        found.push(...parts)
        samples += segment.v.length
      }
    return found
  }

  rollUp(of: Stretch, stepMs: number): RollUp {
    const { fromMs, toMs } = of
    const into = createRollUp(fromMs, stepMs)
    const series = this.#find(of, false) ?? this.#find(of, true)
    if (series === undefined || toMs <= fromMs) return into.made
    const isWhole = stepMs % minuteMs === 0 && fromMs % minuteMs === 0
    for (const at of this.#hoursRolledUp(series, hourOf(fromMs), hourOf(toMs))) {
      const rest = this.#addMinutes(into, series, at, { fromMs, toMs, isWhole })
      if (rest) this.#addReadings(into, series, at, rest)
      if (into.made.t.length > this.#pointsMax) throw tooLarge(this.#pointsMax, 'steps')
    }
    return into.made
  }

  /** What the hour's minutes say, where they may be asked. Returns what is left for its readings to say. */
  #addMinutes(
    into: RollUpInto,
    { id, keptFrom }: Series,
    [hour, batches]: HourAt,
    { fromMs, toMs, isWhole }: Between & { isWhole: boolean },
  ): Between | undefined {
    const hasExpired = hour < keptFrom * 24
    const isRolledUp = batches === undefined && (isWhole || hasExpired)
    const minutes = isRolledUp ? this.#rows.minutes(id, hour) : undefined
    // The last minute may end after the question does.
    const wholeTo = hasExpired ? toMs : Math.floor(toMs / minuteMs) * minuteMs
    if (minutes) into.rollUp(minutes, fromMs, wholeTo)
    if (hasExpired && batches === undefined) return undefined
    if (!minutes) return { fromMs, toMs }
    const restMs = Math.max(fromMs, wholeTo)
    return restMs < toMs && restMs < (hour + 1) * hourMs ? { fromMs: restMs, toMs } : undefined
  }

  #addReadings(into: RollUpInto, series: Series, at: HourAt, span: Between): void {
    const bodies = this.#bodiesOf(series, at, span)
    if (series.isWave) rollUpSegments(into, resolveSegments(bodies.flatMap(segmentsOf)), span.fromMs, span.toMs)
    else rollUpPoints(into, resolvePoints(bodies.map(pointsOf)), span.fromMs, span.toMs)
  }

  #find({ device, channel }: Stretch, isWave: boolean): Series | undefined {
    const found = this.#sql.series.get(device, channel, isWave ? 1 : 0) as Omit<Series, 'isWave'> | undefined
    return found && { ...found, isWave }
  }

  /** What has not expired. */
  *#eachHour(series: Series | undefined, span: Between): Generator<Uint8Array[]> {
    if (!series) return
    const from = Math.max(hourOf(span.fromMs), series.keptFrom * 24)
    for (const at of this.#hoursOf(series, from, hourOf(span.toMs))) yield this.#bodiesOf(series, at, span)
  }

  /** Hours of a series that hold something between two hours, oldest first. */
  #hoursOf({ id, device }: Series, from: number, to: number): HourAt[] {
    const found = new Map<number, number | undefined>()
    for (const { hour } of this.#sql.chunkHours.all(id, from, to) as { hour: number }[]) found.set(hour, undefined)
    for (const row of this.#sql.batchHours.all(device, from, to) as { id: number; hour: number }[]) found.set(row.hour, row.id)
    return inOrder(found)
  }

  /** Of hours that have expired, those of which minutes are left, or which still wait to be merged. */
  #hoursRolledUp(series: Series, from: number, to: number): HourAt[] {
    const keptFrom = series.keptFrom * 24
    if (from >= keptFrom) return this.#hoursOf(series, from, to)
    const expiredTo = Math.min(to, keptFrom - 1)
    const expired = new Map(this.#hoursOf(series, from, expiredTo))
    for (const { hour } of this.#sql.minuteHours.all(series.id, from, expiredTo) as { hour: number }[])
      if (!expired.has(hour)) expired.set(hour, undefined)
    return [...inOrder(expired), ...this.#hoursOf(series, keptFrom, to)]
  }

  /** Chunks of one hour in order of position. */
  #bodiesOf({ id: series, isWave: wave }: Series, [hour, batches]: HourAt, { fromMs, toMs }: Between): Uint8Array[] {
    const span = { first: fromMs, last: toMs }
    const bodies = [...this.#rows.chunks({ series, hour, wave }, span)]
    if (batches === undefined) return bodies
    for (const { body } of this.#rows.batches(batches, span)) {
      const bytes = chunkOf(body, series)
      if (bytes) bodies.push(bytes)
    }
    return bodies
  }
}

type RollUpInto = ReturnType<typeof createRollUp>

function prepare(db: DatabaseSync) {
  return {
    series: db.prepare(`SELECT series.id, devices.id AS device, keptFrom FROM series JOIN devices ON devices.id = series.device
      WHERE devices.device = ? AND channel = ? AND wave = ?`),
    chunkHours: db.prepare('SELECT DISTINCT hour FROM chunks WHERE series = ? AND hour BETWEEN ? AND ? ORDER BY hour'),
    batchHours: db.prepare('SELECT id, hour FROM hours WHERE device = ? AND hour BETWEEN ? AND ? ORDER BY hour'),
    minuteHours: db.prepare('SELECT hour FROM minutes WHERE series = ? AND hour BETWEEN ? AND ? ORDER BY hour'),
  }
}

const tooLarge = (max: number, what: string) => new Refusal('STORE_ANSWER_TOO_LARGE', { max, what })
const hourOf = (ms: number) => Math.max(-1, Math.min(2 ** 40, Math.floor(ms / hourMs)))
const inOrder = (hours: Map<number, number | undefined>): HourAt[] => [...hours].sort((a, b) => a[0] - b[0])

/** The first `most` samples of a very long segment that are not before `fromMs`, and the one before them. */
function cutFrom(segment: Segment, fromMs: number, most: number): Segment[] {
  const from = Math.max(0, Math.min(segment.v.length - 1, Math.floor((fromMs - segment.t) / segment.i)))
  return cutSegment(segment, from, Math.min(from + most, segment.v.length))
}

function between({ t, v, q }: Points, { fromMs, toMs }: Between, most: number): Points {
  let from = 0
  while (from < t.length && t[from]! < fromMs) from++
  let to = from
  while (to < t.length && t[to]! <= toMs && to - from < most) to++
  const points: Points = { t: t.slice(from, to), v: v.slice(from, to) }
  if (q) points.q = q.slice(from, to)
  return points
}
