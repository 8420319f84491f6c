/** Answers a reader's questions from the engine alone: what several processors wrote, another process may ask. */
import type { AbsenceReason, Channel, Tally } from '@millrace/contract'
import { type Clock, ownValue, setOwn } from '@millrace/platform'
import { Refusal } from '@millrace/platform/worker-side'
import { sumEarlier } from '../accounting/index.ts'
import type { LedgerRow, StoredCorrection, StoredDevice, StoredEvent, StoredGap, StoreReader, StoreTotal } from '../store.ts'
import { createDeclarations } from './declarations.ts'
import type { Dialect, Row } from './dialects/index.ts'
import { usOf } from './limits.ts'
import { readPoints, readRollUp, readSegments } from './readings.ts'
import * as schema from './schema.ts'
import { ledgerRow, nobody } from './summaries.ts'
import { withoutRevisions } from './values.ts'

const dayMs = 86_400_000
const eventsAtOnce = 10_000
/** A flush that is running when the engine is told to flush has ended by then, nearly always. */
const flushMs = 250

export interface ReaderOptions {
  pointsMax: number
  clock: Clock
}

export function createReader(dialect: Dialect, { pointsMax, clock }: ReaderOptions): StoreReader {
  const declarations = createDeclarations(dialect, clock)
  const readings = { dialect, declarations, pointsMax }
  return {
    async refresh() {
      if (dialect.traits.visibleAfterMs > 0) await new Promise<void>((resolve) => void clock.after(flushMs, resolve))
      await dialect.settle()
      declarations.forget()
    },
    points: (of, limit) => readPoints(readings, of, limit),
    segments: (of, limit) => readSegments(readings, of, limit),
    rollUp: (of, stepMs) => readRollUp(readings, of, stepMs),
    devices: (device) => readDevices(dialect, device),
    gaps: (device, fromMs, toMs) => readGaps(dialect, { device, fromMs, toMs }, pointsMax),
    corrections: (device, fromMs, toMs) => readCorrections(dialect, { device, fromMs, toMs }, pointsMax),
    ledger: () => readLedger(dialect),
    totals: () => readTotals(dialect),
    events: (fromMs, toMs, limit = eventsAtOnce) => readEvents(dialect, fromMs, toMs, Math.min(limit, eventsAtOnce)),
  }
}

async function readDevices(dialect: Dialect, only?: string): Promise<StoredDevice[]> {
  const where: Record<string, string> = only === undefined ? {} : { device: only }
  const [devices, channels] = await Promise.all([dialect.newest(schema.device, where), dialect.newest(schema.channel, where)])
  const byDevice = Map.groupBy(channels, ({ values }) => values.device)
  return devices
    .map((row) => toDevice(row, byDevice.get(row.values.device!) ?? []))
    .sort((a, b) => (a.device < b.device ? -1 : 1))
}

/** Channels of its newest declaration. */
function toDevice({ us, values }: Row, channels: Row[]): StoredDevice {
  return {
    device: `${values.device}`,
    subject: `${values.subject ?? ''}`,
    node: `${values.node ?? ''}`,
    channels: channels
      .filter((one) => one.us === us)
      .sort((a, b) => Number(a.values.position) - Number(b.values.position))
      .map((one): Channel => JSON.parse(`${one.values.declaration}`)),
  }
}

/** They may have begun long before `fromMs`: the engine looks for those that end behind it. */
async function readGaps(
  dialect: Dialect,
  { device, fromMs, toMs }: { device: string | undefined; fromMs: number; toMs: number },
  pointsMax: number,
): Promise<StoredGap[]> {
  const where: Record<string, string> = device === undefined ? {} : { device }
  const atLeast = { field: 'to_ms', value: Math.floor(Math.max(0, fromMs)) }
  const rows = await dialect.rows({ measurement: schema.gap, where, fromUs: 0, toUs: usOf(toMs), atLeast, limit: pointsMax + 1 })
  if (rows.length > pointsMax) throw new Refusal('STORE_ANSWER_TOO_LARGE', { max: pointsMax, what: 'gaps' })
  const newest = withoutRevisions(rows, ({ values }) => `${values.device}\n${values.channel}\n${values.reason}`)
  return newest.map(toGap).filter((gap) => gap.toMs === undefined || gap.toMs >= fromMs)
}

async function readCorrections(
  dialect: Dialect,
  { device, fromMs, toMs }: { device: string; fromMs: number; toMs: number },
  pointsMax: number,
): Promise<StoredCorrection[]> {
  const atLeast = { field: 'to_ms', value: Math.floor(Math.max(0, fromMs)) }
  const asked = { measurement: schema.correction, where: { device }, fromUs: 0, toUs: usOf(toMs), atLeast, limit: pointsMax + 1 }
  const rows = await dialect.rows(asked)
  if (rows.length > pointsMax) throw new Refusal('STORE_ANSWER_TOO_LARGE', { max: pointsMax, what: 'corrections' })
  const found = rows.map(({ us, values }) => ({
    device,
    fromMs: Math.floor(us / 1000),
    toMs: Number(values.to_ms),
    byMs: Number(values.by_ms),
    uncertaintyMs: Number(values.uncertainty_ms),
  }))
  return found.filter((one) => one.toMs >= fromMs)
}

async function readLedger(dialect: Dialect): Promise<LedgerRow[]> {
  const rows = (await dialect.newest(schema.ledger)).map(({ values }) => ({
    row: ledgerRow(values),
    atMs: Number(values.at_ms ?? 0),
  }))
  const now = rows.reduce((latest, { atMs }) => Math.max(latest, atMs), 0)
  return sumEarlier(rows, now - dayMs)
}

async function readTotals(dialect: Dialect): Promise<Record<string, StoreTotal>> {
  const all: Record<string, StoreTotal> = {}
  for (const { values } of await dialect.newest(schema.total)) addTotal(all, values)
  return all
}

async function readEvents(dialect: Dialect, fromMs: number, toMs: number, newestFirst: number): Promise<StoredEvent[]> {
  // Its place within the millisecond only keeps lines apart.
  const toUs = usOf(toMs) + 999
  const rows = await dialect.rows({ measurement: schema.event, where: {}, fromUs: usOf(fromMs), toUs, newestFirst })
  return rows.slice(-newestFirst).map(({ us, values }) => ({
    device: values.device === nobody ? '' : `${values.device}`,
    atMs: Math.floor(us / 1000),
    level: values.level as StoredEvent['level'],
    code: `${values.code}`,
    text: `${values.text ?? ''}`,
  }))
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
