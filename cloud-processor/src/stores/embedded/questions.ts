/** Answers the reader's questions from the file. Each answer is made inside one read transaction, so a merge never shows twice or not at all. */
import type { DatabaseSync } from 'node:sqlite'
import { setOwn } from '@millrace/platform'
import { Refusal } from '@millrace/platform/worker-side'
import { sumEarlier } from '../accounting/ledger.ts'
import type { LedgerRow, StoredCorrection, StoredEvent, StoredGap, StoreReader, StoreTotal } from '../store.ts'
import { dayMs } from './file.ts'
import type { StoredRows } from './rows.ts'
import { SeriesQuestions } from './series-questions.ts'

type Question = Exclude<keyof StoreReader, 'refresh'>
/** The same questions as `StoreReader`, answered at once. */
export type Questions = { [K in Question]: (...args: Parameters<StoreReader[K]>) => Awaited<ReturnType<StoreReader[K]>> }

const eventsAtOnce = 10_000

export function createQuestions(db: DatabaseSync, rows: StoredRows, pointsMax: number): Questions {
  const series = new SeriesQuestions(db, rows, pointsMax)
  const sql = prepare(db)
  return {
    points: (of, limit) => series.points(of, limit),
    segments: (of, limit) => series.segments(of, limit),
    rollUp: (of, stepMs) => series.rollUp(of, stepMs),
    devices: (device) =>
      (sql.devices.all(device ?? null) as unknown as DeviceRow[]).map((row) => ({ ...row, channels: JSON.parse(row.channels) })),
    gaps(device, fromMs, toMs) {
      const found = sql.gaps.all(device ?? null, fromMs, toMs, pointsMax + 1) as unknown as GapRow[]
      if (found.length > pointsMax) throw new Refusal('STORE_ANSWER_TOO_LARGE', { max: pointsMax, what: 'gaps' })
      return found.map(toGap)
    },
    corrections(device, fromMs, toMs) {
      const found = sql.corrections.all(device, fromMs, toMs, pointsMax + 1) as unknown as StoredCorrection[]
      if (found.length > pointsMax) throw new Refusal('STORE_ANSWER_TOO_LARGE', { max: pointsMax, what: 'corrections' })
      return found
    },
    ledger() {
      const now = (sql.newestCut.get() as { atMs: number | null }).atMs ?? 0
      const cuts = sql.cuts.all() as { body: string; atMs: number }[]
      return sumEarlier(
        cuts.map(({ body, atMs }) => ({ row: JSON.parse(body) as LedgerRow, atMs })),
        now - dayMs,
      )
    },
    totals: () => totalsOf(sql.totals.all() as unknown as TotalRow[]),
    events: (fromMs, toMs, limit = eventsAtOnce) =>
      (sql.events.all(fromMs, toMs, Math.min(limit, eventsAtOnce)) as unknown as StoredEvent[]).reverse(),
  }
}

function prepare(db: DatabaseSync) {
  return {
    devices: db.prepare('SELECT device, subject, node, channels FROM devices WHERE ?1 IS NULL OR device = ?1 ORDER BY device'),
    gaps: db.prepare(`SELECT devices.device, channel, gaps.reason, fromMs, toMs, lostReadings, lostSamples FROM gaps
      JOIN devices ON devices.id = gaps.device WHERE (?1 IS NULL OR devices.device = ?1) AND fromMs <= ?3 AND (toMs IS NULL OR toMs >= ?2)
      ORDER BY fromMs LIMIT ?4`),
    corrections: db.prepare(`SELECT devices.device, fromMs, toMs, byMs, uncertaintyMs FROM corrections
      JOIN devices ON devices.id = corrections.device WHERE devices.device = ?1 AND fromMs <= ?3 AND toMs >= ?2 ORDER BY fromMs LIMIT ?4`),
    cuts: db.prepare('SELECT body, atMs FROM cuts ORDER BY stream, device'),
    newestCut: db.prepare('SELECT max(atMs) AS atMs FROM cuts'),
    events: db.prepare(
      'SELECT device, atMs, level, code, text FROM events WHERE atMs BETWEEN ? AND ? ORDER BY atMs DESC, id DESC LIMIT ?',
    ),
    // First and last are those of the first and last day, found by the key: there may be years of days.
    totals: db.prepare(`SELECT devices.device, sum(storedReadings) AS a, sum(storedSamples) AS b, sum(collapsedReadings) AS c,
      sum(collapsedSamples) AS d, sum(expiredReadings) AS e, sum(expiredSamples) AS f,
      (SELECT min(firstMs) FROM days WHERE device = devices.id AND day = (SELECT min(day) FROM days WHERE device = devices.id)) AS firstMs,
      (SELECT max(lastMs) FROM days WHERE device = devices.id AND day = (SELECT max(day) FROM days WHERE device = devices.id)) AS lastMs
      FROM streams JOIN devices ON devices.id = streams.device GROUP BY devices.id`),
  }
}

interface DeviceRow {
  device: string
  subject: string
  node: string
  channels: string
}

type TotalRow = { device: string; firstMs: number | null; lastMs: number | null } & Record<
  'a' | 'b' | 'c' | 'd' | 'e' | 'f',
  number
>

function totalsOf(rows: TotalRow[]): Record<string, StoreTotal> {
  const all: Record<string, StoreTotal> = {}
  for (const { device, a, b, c, d, e, f, firstMs, lastMs } of rows)
    setOwn(all, device, { stored: [a, b], collapsed: [c, d], expired: [e, f], firstMs: firstMs ?? 0, lastMs: lastMs ?? 0 })
  return all
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
