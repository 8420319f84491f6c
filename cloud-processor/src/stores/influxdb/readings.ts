/** Readings and waveforms of a channel, and their roll-ups, as the device gave them. */
import type { Channel, Segment } from '@millrace/contract'
import { Refusal } from '@millrace/platform/worker-side'
import { createRollUp, rollUpPoints, rollUpSegments } from '../accounting/index.ts'
import type { RollUp, SeriesPoints, Stretch } from '../store.ts'
import type { Declarations } from './declarations.ts'
import type { Dialect, RowQuery } from './dialects/index.ts'
import { usOf } from './limits.ts'
import { pagesOf } from './pages.ts'
import { physicalOf } from './physical.ts'
import * as schema from './schema.ts'
import { unscaled } from './steps.ts'
import { givenValue, withoutRevisions } from './values.ts'
import { type Head, headOf, joinSamples, lastOfHead, lookBackMs } from './waves.ts'

export interface Readings {
  dialect: Dialect
  declarations: Declarations
  pointsMax: number
}

/** Waveforms are rolled up a stretch of so many samples at a time. */
const samplesAtOnce = 50_000
const usualIntervalMs = 4
/** Segments are often a second long: so many may lie in the time that is looked back upon. */
const headsBefore = 1000

const rangeOf = ({ device, channel, fromMs, toMs }: Stretch) => ({
  where: { device, channel },
  fromUs: Math.ceil(Math.max(0, fromMs) * 1000),
  toUs: usOf(toMs),
})

export async function readPoints(readings: Readings, of: Stretch, limit = Number.POSITIVE_INFINITY): Promise<SeriesPoints> {
  const { pointsMax } = readings
  const points: SeriesPoints = { t: [], v: [] }
  const q: number[] = []
  const most = Math.min(limit, pointsMax + 1)
  for await (const page of pointPages(readings, of, most + 1)) {
    for (let k = 0; k < page.t.length && points.t.length < most; k++) {
      points.t.push(page.t[k]!)
      points.v.push(page.v[k]!)
      q.push(page.q![k]!)
    }
    if (points.t.length > pointsMax) throw tooLarge(pointsMax, 'readings')
    if (points.t.length >= most) break
  }
  if (q.some((code) => code !== 0)) points.q = q
  return points
}

async function* pointPages(readings: Readings, of: Stretch, rowsInPage?: number): AsyncGenerator<Required<SeriesPoints>> {
  const physical = physicalOf(await readings.declarations.of(of))
  for await (const found of pagesOf(readings.dialect, { measurement: schema.reading, ...rangeOf(of) }, rowsInPage)) {
    const rows = withoutRevisions(found)
    yield {
      t: rows.map(({ us }) => us / 1000),
      v: rows.map(({ values }) => givenValue(values, physical)),
      q: rows.map(({ values }) => Number(values.quality ?? 0)),
    }
  }
}

/** With a limit, fewer when they have more than `pointsMax` samples. */
export async function readSegments(readings: Readings, of: Stretch, limit?: number): Promise<Segment[]> {
  const { dialect, declarations, pointsMax } = readings
  const [heads, declared] = await Promise.all([findHeads(readings, of, limit ?? pointsMax + 1), declarations.of(of)])
  let samples = 0
  const wanted = heads.filter(({ count }, k) => {
    samples += count
    return samples <= pointsMax || (limit !== undefined && k === 0)
  })
  if (limit === undefined && wanted.length < heads.length) throw tooLarge(pointsMax, 'samples')
  if (wanted.length === 0) return []
  const { resolutionMs } = dialect.traits
  const query = { measurement: schema.wave, where: rangeOf(of).where }
  const samplesOf = (fromUs: number, toUs: number) => pagesOf(dialect, { ...query, fromUs, toUs })
  const found = await joinSamples(wanted, samplesOf, { resolutionMs, physical: physicalOf(declared) })
  return limit === undefined ? found : found.slice(0, limit)
}

/** Of segments that touch the time, in order of their start. */
async function findHeads({ dialect }: Readings, of: Stretch, limit: number): Promise<Head[]> {
  const { where, toUs } = rangeOf(of)
  const query: RowQuery = { measurement: schema.waveSegment, where, fromUs: usOf(of.fromMs - lookBackMs), toUs }
  const heads: Head[] = []
  for await (const rows of pagesOf(dialect, query, limit + headsBefore)) {
    for (const head of rows.map(headOf)) if (head.t <= of.toMs && lastOfHead(head) >= of.fromMs) heads.push(head)
    if (heads.length > limit) break
  }
  return heads.sort((a, b) => a.t - b.t || b.count - a.count).slice(0, limit)
}

/** By the engine where it can, else of points that pass by. */
export async function readRollUp(readings: Readings, of: Stretch, stepMs: number): Promise<RollUp> {
  const { declarations, pointsMax } = readings
  const steps = createRollUp(of.fromMs, stepMs)
  if (of.toMs <= of.fromMs) return steps.made
  const declared = await declarations.of(of)
  if (declared?.kind === 'waveform') return rollUpWave(readings, of, steps, declared)
  const made = declared && (await rollUpInEngine(readings, of, stepMs, declared))
  if (made) return bounded(made, pointsMax)
  for await (const page of pointPages(readings, of)) {
    rollUpPoints(steps, page, of.fromMs, of.toMs)
    bounded(steps.made, pointsMax)
  }
  return declared || steps.made.t.length > 0 ? steps.made : rollUpWave(readings, of, steps)
}

async function rollUpInEngine(
  { dialect }: Readings,
  of: Stretch,
  stepMs: number,
  declared: Channel,
): Promise<RollUp | undefined> {
  const { device, channel, fromMs, toMs } = of
  if (declared.kind !== 'number' || fromMs < 0 || ![fromMs, toMs, stepMs].every(Number.isSafeInteger)) return undefined
  const made = await dialect.steps({ where: { device, channel }, fromMs, toMs: Math.min(toMs, usOf(toMs) / 1000), stepMs })
  return made && unscaled(made, declared)
}

type Steps = ReturnType<typeof createRollUp>

async function rollUpWave(readings: Readings, of: Stretch, steps: Steps, declared?: Channel): Promise<RollUp> {
  const windowMs = samplesAtOnce * (declared?.intervalMs ?? usualIntervalMs)
  const unbounded = { ...readings, pointsMax: Number.POSITIVE_INFINITY }
  for (let { fromMs } = of; fromMs < of.toMs; ) {
    const [head] = await findHeads(readings, { ...of, fromMs }, 1)
    if (!head) break
    const startMs = Math.max(fromMs, head.t)
    const endMs = Math.min(of.toMs, startMs + windowMs)
    rollUpSegments(steps, await readSegments(unbounded, { ...of, fromMs: startMs, toMs: endMs }), startMs, endMs)
    bounded(steps.made, readings.pointsMax)
    fromMs = endMs
  }
  return steps.made
}

function bounded(made: RollUp, pointsMax: number): RollUp {
  if (made.t.length > pointsMax) throw tooLarge(pointsMax, 'steps')
  return made
}

const tooLarge = (max: number, what: string) => new Refusal('STORE_ANSWER_TOO_LARGE', { max, what })
