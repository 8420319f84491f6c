/** Gaps, and their ends: one without an end lasts until the first reading of its channel after its start. */
import type { DatabaseSync } from 'node:sqlite'
import type { GapTimelineRecord, ReadingsRecord, Tally } from '@millrace/contract'
import { firstAfter, firstSample } from '../accounting/gap-ends.ts'
import { chunkOf, pointsOf, segmentsOf } from './batch.ts'
import type { Devices } from './devices.ts'
import { type Device, hourOf, type Series } from './hours.ts'
import type { StoredRows } from './rows.ts'

export function createGaps(db: DatabaseSync, devices: Devices, rows: StoredRows) {
  const { put, addLost, end, hours, chunkHour } = prepare(db)

  /** First time after `fromMs` that is in the store already: a gap may be told after the readings that ended it. */
  function firstStored(device: Device, channel: string, fromMs: number): number | null {
    const all = [...device.points.values(), ...device.waves.values()]
    const series = channel === '*' ? all : all.filter((one) => one.channel === channel)
    let first = Number.POSITIVE_INFINITY
    // What has expired may be there still or not: it does not count.
    const fromHour = Math.max(hourOf(fromMs), device.keptFrom * 24)
    const see = (one: Series, bytes: Uint8Array) => {
      const t = one.wave ? firstSample(segmentsOf(bytes), fromMs) : pointsOf(bytes).t.find((at) => at > fromMs)
      if (t !== undefined && t < first) first = t
    }
    const after = { first: fromMs, last: Number.POSITIVE_INFINITY }
    for (const { id, hour } of hours.all(device.id, fromHour) as { id: number; hour: number }[]) {
      if (hour > hourOf(first)) break
      for (const { body } of rows.batches(id, after))
        for (const one of series) {
          const bytes = chunkOf(body, one.id)
          if (bytes) see(one, bytes)
        }
    }
    for (const one of series) {
      const found = chunkHour.get(one.id, fromHour, fromMs) as { hour: number } | undefined
      if (found) for (const bytes of rows.chunks({ series: one.id, hour: found.hour, wave: one.wave }, after)) see(one, bytes)
    }
    return first === Number.POSITIVE_INFINITY ? null : first
  }

  return {
    open({ device: name, subject, channel = '*', reason, fromMs, toMs, lost }: GapTimelineRecord): void {
      const device = devices.of(name, subject)
      const until = toMs ?? firstStored(device, channel, fromMs)
      const [readings, samples] = lost ?? [null, null]
      const row = put.get(device.id, channel, reason, fromMs, until, toMs === undefined ? 1 : 0, readings, samples)
      const { id } = row as { id: number }
      device.openGaps = device.openGaps.filter((gap) => gap.id !== id)
      if (toMs === undefined) devices.addOpenGap(device, { id, channel, fromMs, toMs: until })
    },
    /** Found at a cut; two streams of a device may find it of the same gap. */
    addLost(
      device: Device,
      { reason, fromMs, toMs, lost }: Pick<GapTimelineRecord, 'reason' | 'fromMs' | 'toMs'> & { lost: Tally },
    ): void {
      addLost.run(device.id, reason, fromMs, toMs!, ...lost)
    },
    /** Readings end open gaps; backlog shortens those that a later reading had ended. */
    close(device: Device, record: ReadingsRecord): void {
      for (const gap of device.openGaps) {
        const t = firstAfter(record, gap)
        if (t === undefined || (gap.toMs !== null && gap.toMs <= t)) continue
        gap.toMs = t
        end.run(t, gap.id)
      }
    },
  }
}

export type Gaps = ReturnType<typeof createGaps>

function prepare(db: DatabaseSync) {
  return {
    put: db.prepare(`INSERT INTO gaps (device, channel, reason, fromMs, toMs, open, lostReadings, lostSamples)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (device, channel, reason, fromMs) DO UPDATE SET
    toMs = excluded.toMs, open = excluded.open, lostReadings = excluded.lostReadings, lostSamples = excluded.lostSamples RETURNING id`),
    addLost: db.prepare(`INSERT INTO gaps (device, channel, reason, fromMs, toMs, open, lostReadings, lostSamples)
    VALUES (?, '*', ?, ?, ?, 0, ?, ?) ON CONFLICT (device, channel, reason, fromMs) DO UPDATE SET toMs = max(toMs, excluded.toMs),
    lostReadings = lostReadings + excluded.lostReadings, lostSamples = lostSamples + excluded.lostSamples`),
    end: db.prepare('UPDATE gaps SET toMs = ? WHERE id = ?'),
    hours: db.prepare('SELECT id, hour FROM hours WHERE device = ? AND hour >= ? ORDER BY hour'),
    chunkHour: db.prepare('SELECT hour FROM chunks WHERE series = ? AND hour >= ? AND last > ? ORDER BY hour, part LIMIT 1'),
  }
}
