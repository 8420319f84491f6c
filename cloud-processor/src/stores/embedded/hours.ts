/** What the writer knows of device hours and devices: ids, next sequence, stretches of time that hold data. Loaded when first needed. */
import type { DatabaseSync } from 'node:sqlite'
import type { Segment } from '@millrace/contract'
import { cover, coverPoints, type Intervals } from '../accounting/intervals.ts'
import { lastOf, microseconds } from '../accounting/resolve.ts'
import { chunkOf, pointsOf, segmentsOf } from './batch.ts'
import { hourMs, hourSpan } from './file.ts'
import { always, type Span, type StoredRows } from './rows.ts'

export interface Series {
  id: number
  channel: string
  wave: boolean
}

export interface Device {
  id: number
  name: string
  subject: string
  /** Day before which everything has expired. */
  keptFrom: number
  points: Map<string, Series>
  waves: Map<string, Series>
  hours: Map<number, Hour>
  /** Gaps without an end. */
  openGaps: OpenGap[]
}

export interface OpenGap {
  id: number
  channel: string
  fromMs: number
  toMs: number | null
}

export interface Hour {
  /** 0 while it holds no batches. */
  id: number
  device: number
  hour: number
  next: number
  rows: number
  /** By series. A series that is not in it has at most what `base` says. */
  covered: Map<number, Intervals>
  base: Intervals
  /** Series whose stretches were read from the file, holes and all. */
  exact: Set<number>
}

/** Hours kept for one device; backlog and live need two. */
const hoursKept = 8

export class Hours {
  readonly #sql: ReturnType<typeof prepare>
  readonly #rows: StoredRows

  constructor(db: DatabaseSync, rows: StoredRows) {
    this.#sql = prepare(db)
    this.#rows = rows
  }

  /** Of a device, kept among its last used ones. */
  of(device: Device, hour: number): Hour {
    let state = device.hours.get(hour)
    if (state) return state
    state = this.#load(device, hour)
    device.hours.set(hour, state)
    if (device.hours.size > hoursKept) device.hours.delete(device.hours.keys().next().value!)
    return state
  }

  #load(device: Device, hour: number): Hour {
    const id = (this.#sql.find.get(device.id, hour) as { id: number } | undefined)?.id ?? 0
    const state: Hour = { id, device: device.id, hour, next: 0, rows: 0, covered: new Map(), base: [], exact: new Set() }
    if (id > 0) {
      const found = this.#sql.extent.get(id * hourSpan, (id + 1) * hourSpan) as unknown as Extent
      state.rows = found.rows
      if (found.id !== null) state.next = found.id - id * hourSpan + 1
      if (found.first !== null) cover(state.base, found.first, found.last!)
    }
    const chunks = this.#sql.merged.get(hour, device.id) as unknown as Extent
    if (chunks.first !== null) cover(state.base, chunks.first, chunks.last!)
    return state
  }

  /** Id for the next batch of this hour. */
  nextBatch(state: Hour): number {
    if (state.id === 0) {
      state.id = Number(this.#sql.add.run(state.device, state.hour).lastInsertRowid)
      state.next = 0
    }
    state.rows++
    return state.id * hourSpan + state.next++
  }

  coveredBy(state: Hour, series: Series): Intervals {
    let intervals = state.covered.get(series.id)
    if (!intervals) {
      intervals = [...state.base]
      state.covered.set(series.id, intervals)
    }
    return intervals
  }

  /**
   * The stretches by reading all of the hour, once: what is known after a start or a merge has no holes, and a backlog that
   * fills one would have to be compared with what is stored, record by record.
   */
  readCovered(state: Hour, series: Series): Intervals {
    const intervals: Intervals = []
    for (const bytes of this.#bodies(state, series, always))
      if (!series.wave) coverPoints(intervals, pointsOf(bytes).t)
      else for (const segment of segmentsOf(bytes)) cover(intervals, segment.t, lastOf(segment))
    state.covered.set(series.id, intervals)
    state.exact.add(series.id)
    return intervals
  }

  /** Names of what a series holds within a span, by reading it. */
  namesWithin(state: Hour, series: Series, span: Span): Set<number> {
    const names = new Set<number>()
    for (const bytes of this.#bodies(state, series, span))
      if (!series.wave) for (const t of pointsOf(bytes).t) names.add(t)
      else
        for (const segment of segmentsOf(bytes))
          if (segment.t <= span.last && lastOf(segment) >= span.first) nameSamples(segment, names)
    return names
  }

  /** What a series holds in chunks and batches that overlap this span. */
  *#bodies({ id, hour }: Hour, series: Series, span: Span): Generator<Uint8Array> {
    yield* this.#rows.chunks({ series: series.id, hour, wave: series.wave }, span)
    if (id === 0) return
    for (const { body } of this.#rows.batches(id, span)) {
      const bytes = chunkOf(body, series.id)
      if (bytes) yield bytes
    }
  }
}

interface Extent {
  rows: number
  id: number | null
  first: number | null
  last: number | null
}

function prepare(db: DatabaseSync) {
  return {
    find: db.prepare('SELECT id FROM hours WHERE device = ? AND hour = ?'),
    add: db.prepare('INSERT INTO hours (device, hour) VALUES (?, ?)'),
    extent: db.prepare(
      'SELECT count(*) AS rows, max(id) AS id, min(first) AS first, max(last) AS last FROM batches WHERE id >= ? AND id < ?',
    ),
    merged: db.prepare(
      'SELECT min(first) AS first, max(last) AS last FROM chunks WHERE hour = ? AND series IN (SELECT id FROM series WHERE device = ?)',
    ),
  }
}

export function nameSamples(segment: Segment, names: Set<number>): void {
  for (let k = 0; k < segment.v.length; k++) names.add(microseconds(segment, k))
}

export const dayOfHour = (hour: number) => Math.floor(hour / 24)
export const hourOf = (ms: number) => Math.floor(ms / hourMs)
