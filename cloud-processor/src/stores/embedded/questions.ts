/** Answers the reader's questions from the file. Each answer is made inside one read transaction, so a merge never shows twice or not at all. */
import type { DatabaseSync } from 'node:sqlite'
import { zstdDecompressSync } from 'node:zlib'
import type { Segment } from '@millrace/contract'
import { Refusal } from '@millrace/platform/worker-side'
import { sumEarlier } from '../accounting/ledger.ts'
import { cutSegment, lastOf, resolvePoints, resolveSegments } from '../accounting/resolve.ts'
import { createRollUp, minuteMs, rollUpPoints, rollUpSegments } from '../accounting/roll-up.ts'
import type { LedgerRow, RollUp, SeriesPoints, StoredEvent, StoredGap, StoreReader, StoreTotal, Stretch } from '../store.ts'
import { chunkOf, pointsOf, segmentsOf } from './batch.ts'
import type { Points } from './chunk.ts'
import { dayMs, hourMs, hourSpan } from './file.ts'
import { decodeMinutes } from './roll-up.ts'

type Question = Exclude<keyof StoreReader, 'refresh'>
/** The same questions as `StoreReader`, answered at once. */
export type Questions = { [K in Question]: (...args: Parameters<StoreReader[K]>) => Awaited<ReturnType<StoreReader[K]>> }

interface Series {
  id: number
  device: number
  /** Day before which everything has expired. */
  keptFrom: number
}

const eventsAtOnce = 10_000

export function createQuestions(db: DatabaseSync, pointsMax: number): Questions {
  const findSeries = db.prepare(
    'SELECT series.id, devices.id AS device, keptFrom FROM series JOIN devices ON devices.id = series.device WHERE devices.device = ? AND channel = ? AND wave = ?',
  )
  const chunkHours = db.prepare('SELECT DISTINCT hour FROM chunks WHERE series = ? AND hour BETWEEN ? AND ? ORDER BY hour')
  const chunks = db.prepare('SELECT body FROM chunks WHERE series = ? AND hour = ? AND last >= ? AND first <= ? ORDER BY part')
  const batchHours = db.prepare('SELECT id, hour FROM hours WHERE device = ? AND hour BETWEEN ? AND ? ORDER BY hour')
  const batches = db.prepare('SELECT body FROM batches WHERE id >= ? AND id < ? AND last >= ? AND first <= ? ORDER BY id')
  const minuteHours = db.prepare('SELECT hour FROM minutes WHERE series = ? AND hour BETWEEN ? AND ? ORDER BY hour')
  const minutes = db.prepare('SELECT body FROM minutes WHERE series = ? AND hour = ?')
  const devices = db.prepare('SELECT device, subject, node, channels FROM devices ORDER BY device')
  const gaps = db.prepare(`SELECT devices.device, channel, gaps.reason, fromMs, toMs, lostReadings, lostSamples FROM gaps
    JOIN devices ON devices.id = gaps.device WHERE (?1 IS NULL OR devices.device = ?1) AND fromMs <= ?3 AND (toMs IS NULL OR toMs >= ?2)
    ORDER BY fromMs LIMIT 100000`)
  const cuts = db.prepare('SELECT body, atMs FROM cuts ORDER BY stream, device')
  const newestCut = db.prepare('SELECT max(atMs) AS atMs FROM cuts')
  const events = db.prepare(
    'SELECT device, atMs, level, code, text FROM events WHERE atMs BETWEEN ? AND ? ORDER BY atMs DESC, id DESC LIMIT ?',
  )
  // First and last are those of the first and last day, found by the key: there may be years of days.
  const totals =
    db.prepare(`SELECT devices.device, sum(storedReadings) AS a, sum(storedSamples) AS b, sum(collapsedReadings) AS c,
    sum(collapsedSamples) AS d, sum(expiredReadings) AS e, sum(expiredSamples) AS f,
    (SELECT min(firstMs) FROM days WHERE device = devices.id AND day = (SELECT min(day) FROM days WHERE device = devices.id)) AS firstMs,
    (SELECT max(lastMs) FROM days WHERE device = devices.id AND day = (SELECT max(day) FROM days WHERE device = devices.id)) AS lastMs
    FROM streams JOIN devices ON devices.id = streams.device GROUP BY devices.id`)

  const find = (device: string, channel: string, wave: 0 | 1) => findSeries.get(device, channel, wave) as Series | undefined

  /** Hours of a series that hold something between two times, oldest first, with `batches` where any are unmerged. */
  function hoursOf({ id, device }: Series, from: number, to: number): Map<number, number | undefined> {
    const found = new Map<number, number | undefined>()
    for (const { hour } of chunkHours.all(id, from, to) as { hour: number }[]) found.set(hour, undefined)
    for (const { id: batch, hour } of batchHours.all(device, from, to) as { id: number; hour: number }[]) found.set(hour, batch)
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

  /** What has not expired. */
  function* eachHour(series: Series | undefined, fromMs: number, toMs: number): Generator<Uint8Array[]> {
    if (!series) return
    for (const [hour, batch] of hoursOf(series, Math.max(hourOf(fromMs), series.keptFrom * 24), hourOf(toMs)))
      yield bodiesOf(series.id, hour, batch, fromMs, toMs)
  }

  function points({ device, channel, fromMs, toMs }: Stretch, limit?: number): SeriesPoints {
    const most = Math.min(limit ?? Number.POSITIVE_INFINITY, pointsMax + 1)
    const found: Points[] = []
    let count = 0
    for (const bodies of eachHour(find(device, channel, 0), fromMs, toMs)) {
      const part = between(resolvePoints(bodies.map(pointsOf)), fromMs, toMs, most - count)
      found.push(part)
      count += part.t.length
      if (count > pointsMax) throw tooLarge(pointsMax, 'readings')
      if (count >= most) break
    }
    return found.length === 0 ? { t: [], v: [] } : resolvePoints(found)
  }

  function segments({ device, channel, fromMs, toMs }: Stretch, limit?: number): Segment[] {
    const found: Segment[] = []
    let samples = 0
    for (const bodies of eachHour(find(device, channel, 1), fromMs, toMs))
      for (const segment of resolveSegments(bodies.flatMap(segmentsOf))) {
        if (lastOf(segment) < fromMs || segment.t > toMs) continue
        if (limit === undefined && samples + segment.v.length > pointsMax) throw tooLarge(pointsMax, 'samples')
        if (found.length >= limit! || samples >= pointsMax) return found
        const parts = segment.v.length > pointsMax ? cutFrom(segment, fromMs, pointsMax) : [segment]
        found.push(...parts)
        samples += segment.v.length
      }
    return found
  }

  function rollUp({ device, channel, fromMs, toMs }: Stretch, stepMs: number): RollUp {
    const steps = createRollUp(fromMs, stepMs)
    const points = find(device, channel, 0)
    const series = points ?? find(device, channel, 1)
    if (series === undefined || toMs <= fromMs) return steps.made
    const isWhole = stepMs % minuteMs === 0 && fromMs % minuteMs === 0
    for (const [hour, batch] of hoursRolledUp(series, hourOf(fromMs), hourOf(toMs))) {
      if (steps.made.t.length > pointsMax) break
      const hasExpired = hour < series.keptFrom * 24
      const isRolledUp = batch === undefined && (isWhole || hasExpired)
      const row = isRolledUp ? (minutes.get(series.id, hour) as { body: Uint8Array } | undefined) : undefined
      // The last minute may end after the question does.
      const wholeTo = hasExpired ? toMs : row ? Math.floor(toMs / minuteMs) * minuteMs : Number.NEGATIVE_INFINITY
      if (row) steps.rollUp(decodeMinutes(row.body), fromMs, wholeTo)
      if (hasExpired && batch === undefined) continue
      const rest = Math.max(fromMs, row ? wholeTo : fromMs)
      if (row && (rest >= toMs || rest >= (hour + 1) * hourMs)) continue
      const bodies = bodiesOf(series.id, hour, batch, rest, toMs)
      if (points) rollUpPoints(steps, resolvePoints(bodies.map(pointsOf)), rest, toMs)
      else rollUpSegments(steps, resolveSegments(bodies.flatMap(segmentsOf)), rest, toMs)
    }
    if (steps.made.t.length > pointsMax) throw tooLarge(pointsMax, 'steps')
    return steps.made
  }

  /** Of hours that have expired, those of which minutes are left, or which still wait to be merged. */
  function hoursRolledUp(series: Series, from: number, to: number): Map<number, number | undefined> {
    const keptFrom = series.keptFrom * 24
    if (from >= keptFrom) return hoursOf(series, from, to)
    const expired = hoursOf(series, from, Math.min(to, keptFrom - 1))
    for (const { hour } of minuteHours.all(series.id, from, Math.min(to, keptFrom - 1)) as { hour: number }[])
      if (!expired.has(hour)) expired.set(hour, undefined)
    const inOrder = [...expired].sort((a, b) => a[0] - b[0])
    return new Map([...inOrder, ...hoursOf(series, keptFrom, to)])
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
      type Row = { device: string; firstMs: number | null; lastMs: number | null } & Record<
        'a' | 'b' | 'c' | 'd' | 'e' | 'f',
        number
      >
      const all: Record<string, StoreTotal> = {}
      for (const { device, a, b, c, d, e, f, firstMs, lastMs } of totals.all() as unknown as Row[])
        all[device] = { stored: [a, b], collapsed: [c, d], expired: [e, f], firstMs: firstMs ?? 0, lastMs: lastMs ?? 0 }
      return all
    },
    events: (fromMs, toMs, limit = eventsAtOnce) =>
      (events.all(fromMs, toMs, Math.min(limit, eventsAtOnce)) as unknown as StoredEvent[]).reverse(),
  }
}

const tooLarge = (max: number, what: string) => new Refusal('STORE_ANSWER_TOO_LARGE', { max, what })
const hourOf = (ms: number) => Math.max(-1, Math.min(2 ** 40, Math.floor(ms / hourMs)))

/** The first `most` samples of a very long segment that are not before `fromMs`, and the one before them. */
function cutFrom(segment: Segment, fromMs: number, most: number): Segment[] {
  const from = Math.max(0, Math.min(segment.v.length - 1, Math.floor((fromMs - segment.t) / segment.i)))
  return cutSegment(segment, from, Math.min(from + most, segment.v.length))
}

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
