/** Answers a reader's questions from the engine alone: what several processors wrote, another process may ask. */

import type { AbsenceReason, Channel, Segment, Tally } from '@millrace/contract'
import type { Clock } from '@millrace/platform'
import { ownValue, setOwn } from '@millrace/platform'
import { createRollUp, rollUpPoints, rollUpSegments, sumEarlier } from '../accounting/index.ts'
import type { LedgerRow, RollUp, SeriesPoints, StoredEvent, StoredGap, StoreReader, StoreTotal, Stretch } from '../store.ts'
import type { Dialect, Row } from './dialects/index.ts'
import { usOf } from './limits.ts'
import { physicalOf } from './physical.ts'
import * as schema from './schema.ts'
import { ledgerRow, nobody } from './summaries.ts'
import { givenValue, withoutRevisions } from './values.ts'
import { joinSamples, lookBackMs } from './waves.ts'

const dayMs = 86_400_000
const eventsAtOnce = 10_000
/** A flush that is under way when the engine is told to flush has ended by then, nearly always. */
const flushMs = 250

export function createReader(dialect: Dialect, { pointsMax, clock }: { pointsMax: number; clock: Clock }): StoreReader {
  const { visibleAfterMs } = dialect.traits
  /** As the device's newest declaration has it: what was declared otherwise when it was written is given in today's steps. */
  async function declared(device: string, channel: string): Promise<Channel | undefined> {
    const rows = await dialect.newest(schema.channel, { device, channel })
    const newest = rows.sort((a, b) => b.us - a.us)[0]
    return newest && JSON.parse(`${newest.values.declaration}`)
  }

  async function points({ device, channel, fromMs, toMs }: Stretch, limit = pointsMax): Promise<SeriesPoints> {
    const most = Math.min(limit, pointsMax)
    const range = { fromUs: Math.ceil(Math.max(0, fromMs) * 1000), toUs: usOf(toMs), limit: most }
    const [found, as] = await Promise.all([
      dialect.rows({ measurement: schema.reading, where: { device, channel }, ...range }),
      declared(device, channel),
    ])
    const rows = withoutRevisions(found).slice(0, most)
    const physical = physicalOf(as)
    const points: SeriesPoints = { t: rows.map(({ us }) => us / 1000), v: rows.map(({ values }) => givenValue(values, physical)) }
    const q = rows.map(({ values }) => Number(values.quality ?? 0))
    if (q.some((code) => code !== 0)) points.q = q
    return points
  }

  async function segments({ device, channel, fromMs, toMs }: Stretch, limit = pointsMax): Promise<Segment[]> {
    const where = { device, channel }
    const starts = { fromUs: usOf(fromMs - lookBackMs), toUs: usOf(toMs), limit: pointsMax }
    const [heads, as] = await Promise.all([
      dialect.rows({ measurement: schema.waveSegment, where, ...starts }),
      declared(device, channel),
    ])
    if (heads.length === 0) return []
    return joinSamples(
      heads,
      (fromUs, toUs) => dialect.rows({ measurement: schema.wave, where, fromUs, toUs, limit: pointsMax }),
      { fromMs, toMs, limit, resolutionMs: dialect.traits.resolutionMs, physical: physicalOf(as) },
    )
  }

  async function rollUp(of: Stretch, stepMs: number): Promise<RollUp> {
    const { fromMs, toMs } = of
    const steps = createRollUp(fromMs, stepMs)
    if (toMs <= fromMs) return steps.made
    const found = await points(of)
    if (found.t.length > 0) rollUpPoints(steps, found, fromMs, toMs)
    else rollUpSegments(steps, await segments(of), fromMs, toMs)
    return steps.made
  }

  return {
    async refresh() {
      if (visibleAfterMs > 0) await new Promise<void>((resolve) => void clock.after(flushMs, resolve))
      await dialect.settle()
    },
    points,
    segments,
    rollUp,
    async devices() {
      const [devices, channels] = await Promise.all([dialect.newest(schema.device), dialect.newest(schema.channel)])
      const byDevice = Map.groupBy(channels, ({ values }) => values.device)
      return devices
        .map(({ us, values }) => ({
          device: `${values.device}`,
          subject: `${values.subject ?? ''}`,
          node: `${values.node ?? ''}`,
          channels: (byDevice.get(values.device!) ?? [])
            .filter((one) => one.us === us)
            .sort((a, b) => Number(a.values.position) - Number(b.values.position))
            .map((one): Channel => JSON.parse(`${one.values.declaration}`)),
        }))
        .sort((a, b) => (a.device < b.device ? -1 : 1))
    },
    async gaps(device, fromMs, toMs) {
      const where: Record<string, string> = device === undefined ? {} : { device }
      const rows = await dialect.rows({ measurement: schema.gap, where, fromUs: 0, toUs: usOf(toMs) })
      const newest = withoutRevisions(rows, ({ values }) => `${values.device}\n${values.channel}\n${values.reason}`)
      return newest.map(toGap).filter((gap) => gap.toMs === undefined || gap.toMs >= fromMs)
    },
    async ledger(): Promise<LedgerRow[]> {
      const rows = (await dialect.newest(schema.ledger)).map(({ values }) => ({
        row: ledgerRow(values),
        atMs: Number(values.at_ms ?? 0),
      }))
      const now = rows.reduce((latest, { atMs }) => Math.max(latest, atMs), 0)
      return sumEarlier(rows, now - dayMs)
    },
    async totals(): Promise<Record<string, StoreTotal>> {
      const all: Record<string, StoreTotal> = {}
      for (const { values } of await dialect.newest(schema.total)) addTotal(all, values)
      return all
    },
    async events(fromMs, toMs, limit = eventsAtOnce): Promise<StoredEvent[]> {
      // Its place within the millisecond only keeps lines apart.
      const toUs = usOf(toMs) + 999
      const newestFirst = Math.min(limit, eventsAtOnce)
      const rows = await dialect.rows({ measurement: schema.event, where: {}, fromUs: usOf(fromMs), toUs, newestFirst })
      return rows.slice(-newestFirst).map(({ us, values }) => ({
        device: values.device === nobody ? '' : `${values.device}`,
        atMs: Math.floor(us / 1000),
        level: values.level as StoredEvent['level'],
        code: `${values.code}`,
        text: `${values.text ?? ''}`,
      }))
    },
  }
}

function toGap({ us, values }: Row): StoredGap {
  const gap: StoredGap = { device: `${values.device}`, reason: values.reason as AbsenceReason, fromMs: Math.floor(us / 1000) }
  if (values.channel !== '*') gap.channel = `${values.channel}`
  if (Number(values.to_ms ?? 0) > 0) gap.toMs = Number(values.to_ms)
  if (values.lost_readings !== undefined) gap.lost = [Number(values.lost_readings), Number(values.lost_samples ?? 0)]
  return gap
}

function addTotal(all: Record<string, StoreTotal>, values: Row['values']): void {
  const number = (name: string) => Number(values[name] ?? 0)
  const tally = (name: string): Tally => [number(`${name}_readings`), number(`${name}_samples`)]
  const [stored, collapsed, firstMs, lastMs] = [tally('stored'), tally('collapsed'), number('first_ms'), number('last_ms')]
  const known = ownValue(all, `${values.device}`)
  if (!known) {
    setOwn(all, `${values.device}`, { stored, collapsed, expired: [0, 0], firstMs, lastMs })
    return
  }
  for (const k of [0, 1] as const) {
    known.stored[k] += stored[k]
    known.collapsed[k] += collapsed[k]
  }
  if (firstMs > 0 && (known.firstMs === 0 || firstMs < known.firstMs)) known.firstMs = firstMs
  known.lastMs = Math.max(known.lastMs, lastMs)
}
