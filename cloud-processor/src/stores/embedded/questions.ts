/** Answers the reader's questions from the file. Each answer is made inside one read transaction, so a merge never shows twice or not at all. */
import type { DatabaseSync } from 'node:sqlite'
import { zstdDecompressSync } from 'node:zlib'
import type { Segment, Tally } from '@millrace/contract'
import type { LedgerRow, RollUp, SeriesPoints, StoredGap, StoreReader } from '../store.ts'
import { chunkOf, pointsOf, segmentsOf } from './batch.ts'
import type { Points } from './chunk.ts'
import { dayMs, hourMs, hourSpan } from './file.ts'
import { sumEarlier } from './ledger.ts'
import { cutSegment, lastOf, resolvePoints, resolveSegments } from './resolve.ts'
import { createRollUp, decodeMinutes, minuteMs, rollUpPoints, rollUpSegments } from './roll-up.ts'

/** The same questions as `StoreReader`, answered at once. */
export type Questions = { [K in keyof StoreReader]: (...args: Parameters<StoreReader[K]>) => Awaited<ReturnType<StoreReader[K]>> }

interface HourBodies {
  hour: number
  bodies: Uint8Array[]
}

export function createQuestions(db: DatabaseSync, pointsMax: number): Questions {
  const findSeries = db.prepare(
    'SELECT series.id FROM series JOIN devices ON devices.id = series.device WHERE devices.device = ? AND channel = ? AND wave = ?',
  )
  const findDevice = db.prepare('SELECT id FROM devices WHERE device = ?')
  const chunkHours = db.prepare('SELECT DISTINCT hour FROM chunks WHERE series = ? AND hour BETWEEN ? AND ? ORDER BY hour')
  const chunks = db.prepare('SELECT body FROM chunks WHERE series = ? AND hour = ? AND last >= ? AND first <= ? ORDER BY part')
  const batchHours = db.prepare('SELECT id, hour FROM hours WHERE device = ? AND hour BETWEEN ? AND ? ORDER BY hour')
  const batches = db.prepare('SELECT body FROM batches WHERE id >= ? AND id < ? AND last >= ? AND first <= ? ORDER BY id')
  const minutes = db.prepare('SELECT body FROM minutes WHERE series = ? AND hour = ?')
  const devices = db.prepare('SELECT device, subject, node, channels FROM devices ORDER BY device')
  const gaps = db.prepare(`SELECT devices.device, channel, gaps.reason, fromMs, toMs, lostReadings, lostSamples FROM gaps
    JOIN devices ON devices.id = gaps.device WHERE (?1 IS NULL OR devices.device = ?1) AND fromMs <= ?3 AND (toMs IS NULL OR toMs >= ?2)
    ORDER BY fromMs LIMIT 100000`)
  const cuts = db.prepare('SELECT body, atMs FROM cuts ORDER BY stream, device')
  const newestCut = db.prepare('SELECT max(atMs) AS atMs FROM cuts')
  const totals =
    db.prepare(`SELECT devices.device, sum(storedReadings) AS a, sum(storedSamples) AS b, sum(collapsedReadings) AS c,
    sum(collapsedSamples) AS d, min(firstMs) AS firstMs, max(lastMs) AS lastMs FROM days JOIN devices ON devices.id = days.device GROUP BY 1`)

  const idOf = (device: string, channel: string, wave: 0 | 1) =>
    (findSeries.get(device, channel, wave) as { id: number } | undefined)?.id

  /** Hours of a series that hold something between two times, oldest first, with `batches` where any are unmerged. */
  function hoursOf(device: string, series: number, fromMs: number, toMs: number): Map<number, number | undefined> {
    const from = hourOf(fromMs)
    const to = hourOf(toMs)
    const { id } = findDevice.get(device) as { id: number }
    const found = new Map<number, number | undefined>()
    for (const { hour } of chunkHours.all(series, from, to) as { hour: number }[]) found.set(hour, undefined)
    for (const { id: batch, hour } of batchHours.all(id, from, to) as { id: number; hour: number }[]) found.set(hour, batch)
    return new Map([...found].sort((a, b) => a[0] - b[0]))
  }

  /** Chunks of one hour in order of position. */
  function bodiesOf(series: number, hour: number, batch: number | undefined, fromMs: number, toMs: number): Uint8Array[] {
    const bodies = (chunks.all(series, hour, fromMs, toMs) as { body: Uint8Array }[]).map(
      ({ body }) => zstdDecompressSync(body) as Uint8Array,
    )
    if (batch === undefined) return bodies
    for (const row of batches.iterate(batch * hourSpan, (batch + 1) * hourSpan, fromMs, toMs)) {
      const bytes = chunkOf((row as { body: Uint8Array }).body, series)
      if (bytes) bodies.push(bytes)
    }
    return bodies
  }

  function* eachHour(
    device: string,
    series: number,
    fromMs: number,
    toMs: number,
  ): Generator<HourBodies & { isMerged: boolean }> {
    for (const [hour, batch] of hoursOf(device, series, fromMs, toMs))
      yield { hour, isMerged: batch === undefined, bodies: bodiesOf(series, hour, batch, fromMs, toMs) }
  }

  function points(device: string, channel: string, fromMs: number, toMs: number, limit = pointsMax): SeriesPoints {
    const most = Math.min(limit, pointsMax)
    const series = idOf(device, channel, 0)
    const found: Points[] = []
    let count = 0
    for (const { bodies } of series === undefined ? [] : eachHour(device, series, fromMs, toMs)) {
      const part = between(resolvePoints(bodies.map(pointsOf)), fromMs, toMs, most - count)
      found.push(part)
      count += part.t.length
      if (count >= most) break
    }
    return found.length === 0 ? { t: [], v: [] } : resolvePoints(found)
  }

  function segments(device: string, channel: string, fromMs: number, toMs: number, limit = pointsMax): Segment[] {
    const series = idOf(device, channel, 1)
    const found: Segment[] = []
    let samples = 0
    for (const { bodies } of series === undefined ? [] : eachHour(device, series, fromMs, toMs))
      for (const segment of resolveSegments(bodies.flatMap(segmentsOf))) {
        if (lastOf(segment) < fromMs || segment.t > toMs) continue
        if (found.length >= limit || samples >= pointsMax) return found
        found.push(segment.v.length > pointsMax ? cutSegment(segment, 0, pointsMax)[0]! : segment)
        samples += segment.v.length
      }
    return found
  }

  function rollUp(device: string, channel: string, fromMs: number, toMs: number, stepMs: number): RollUp {
    const steps = createRollUp(fromMs, stepMs)
    const wave = idOf(device, channel, 0) === undefined ? 1 : 0
    const series = idOf(device, channel, wave)
    if (series === undefined || toMs <= fromMs) return steps.made
    const isWhole = stepMs % minuteMs === 0 && fromMs % minuteMs === 0
    for (const [hour, batch] of hoursOf(device, series, fromMs, toMs)) {
      const row = isWhole && batch === undefined ? (minutes.get(series, hour) as { body: Uint8Array } | undefined) : undefined
      // The last minute may end after the question does.
      const wholeTo = row ? Math.floor(toMs / minuteMs) * minuteMs : Number.NEGATIVE_INFINITY
      if (row) steps.rollUp(decodeMinutes(row.body), fromMs, wholeTo)
      const rest = Math.max(fromMs, row ? wholeTo : fromMs)
      if (row && (rest >= toMs || rest >= (hour + 1) * hourMs)) continue
      const bodies = bodiesOf(series, hour, batch, rest, toMs)
      if (wave) rollUpSegments(steps, resolveSegments(bodies.flatMap(segmentsOf)), rest, toMs)
      else rollUpPoints(steps, resolvePoints(bodies.map(pointsOf)), rest, toMs)
    }
    return steps.made
  }

  return {
    points,
    segments,
    rollUp,
    devices: () =>
      (devices.all() as { device: string; subject: string; node: string; channels: string }[]).map((row) => ({
        ...row,
        channels: JSON.parse(row.channels),
      })),
    gaps: (device, fromMs, toMs) => (gaps.all(device ?? null, fromMs, toMs) as unknown as GapRow[]).map(toGap),
    ledger() {
      const now = (newestCut.get() as { atMs: number | null }).atMs ?? 0
      const rows = (cuts.all() as { body: string; atMs: number }[]).map(({ body, atMs }) => ({
        row: JSON.parse(body) as LedgerRow,
        atMs,
      }))
      return sumEarlier(rows, now - dayMs)
    },
    totals() {
      type Row = { device: string; a: number; b: number; c: number; d: number; firstMs: number; lastMs: number }
      const all: Record<string, { stored: Tally; collapsed: Tally; firstMs: number; lastMs: number }> = {}
      for (const { device, a, b, c, d, firstMs, lastMs } of totals.all() as unknown as Row[])
        all[device] = { stored: [a, b], collapsed: [c, d], firstMs, lastMs }
      return all
    },
  }
}

const hourOf = (ms: number) => Math.max(-1, Math.min(2 ** 40, Math.floor(ms / hourMs)))

function between({ t, v, q }: Points, fromMs: number, toMs: number, most: number): Points {
  let from = 0
  while (from < t.length && t[from]! < fromMs) from++
  let to = from
  while (to < t.length && t[to]! <= toMs && to - from < most) to++
  const points: Points = { t: t.slice(from, to), v: v.slice(from, to) }
  if (q) points.q = q.slice(from, to)
  return points
}

interface GapRow {
  device: string
  channel: string
  reason: StoredGap['reason']
  fromMs: number
  toMs: number | null
  lostReadings: number | null
  lostSamples: number | null
}

function toGap({ device, channel, reason, fromMs, toMs, lostReadings, lostSamples }: GapRow): StoredGap {
  const gap: StoredGap = { device, reason, fromMs }
  if (channel !== '*') gap.channel = channel
  if (toMs !== null) gap.toMs = toMs
  if (lostReadings !== null) gap.lost = [lostReadings, lostSamples ?? 0]
  return gap
}
