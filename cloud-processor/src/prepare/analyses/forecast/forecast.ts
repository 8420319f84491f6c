/**
 * Where the trend of a number leads: what it will be `aheadMs` later, how far off such forecasts were when their time had come, and how
 * long it is to a limit. The trend is the line of Theil and Sen through samples that are evenly over `windowMs`, which outliers do not turn;
 * it is made again when a further one of them comes.
 */
import { keepPoint, medianOf, trendAt } from '@millrace/alarms'
import { z } from 'zod'
import type { Analysis, Run, SourceReading, Tell } from '../analysis.ts'
import { type Point, rounded } from '../window.ts'

const dayMs = 86_400_000
const stretch = z
  .number()
  .int()
  .min(10_000)
  .max(31 * dayMs)

const keys = {
  windowMs: stretch.default(3_600_000).describe('Of which time the trend is, once half of it and 8 samples are known'),
  aheadMs: stretch.default(3_600_000).describe('How far ahead the trend is followed; about as long as `windowMs`, or less'),
  limit: z.number().optional().describe('With it `time_to_limit` is told where the trend leads there within ten times `aheadMs`'),
}
type ForecastKeys = z.infer<z.ZodObject<typeof keys>>

interface Forecasts {
  points: Point[]
  /** What was forecast, by the time that it was for, oldest first. */
  waiting: Point[]
  /** How far off the last ones were. */
  errors: number[]
}

const parts = 32
const pointsMin = 8
const errorsMax = 64

export const forecast: Analysis<ForecastKeys, Forecasts> = {
  name: 'forecast',
  description: 'a number: where its trend leads, the error that such forecasts had, the time to a limit',
  version: 1,
  takes: 'number',
  channels: 1,
  keys,
  fault: ({ windowMs, aheadMs }) =>
    aheadMs > 8 * windowMs
      ? `aheadMs (${aheadMs}) is more than 8 times windowMs (${windowMs}): give it a longer window`
      : undefined,
  outputs: ({ limit }, [source]) => [
    { name: 'ahead', kind: 'number', unit: source!.unit },
    { name: 'error', kind: 'number', unit: source!.unit },
    ...(limit === undefined ? [] : [{ name: 'time_to_limit', kind: 'number' as const, unit: 's' }]),
  ],
  memory: { empty: () => ({ points: [], waiting: [], errors: [] }), bytesMax: 256 << 10 },
  open: (entry) => new ForecastRun(entry),
}

class ForecastRun implements Run<Forecasts> {
  readonly #keys: ForecastKeys

  constructor(keys: ForecastKeys) {
    this.#keys = keys
  }

  take(memory: Forecasts, { t, value }: SourceReading, tell: Tell): void {
    if (typeof value !== 'number' || !Number.isFinite(value)) return
    const { windowMs, aheadMs, limit } = this.#keys
    const { points, waiting, errors } = memory
    check(memory, { t, value, withinMs: windowMs / 2 })
    if (!keepPoint(points, { stretchMs: windowMs, parts }, [t, value])) return
    if (points.length < pointsMin || t - points[0]![0] < windowMs / 2) return
    const [now, ahead] = [trendAt(points, t), trendAt(points, t + aheadMs)]
    if (!Number.isFinite(now) || !Number.isFinite(ahead)) return
    waiting.push([t + aheadMs, ahead])
    tell('ahead', t, rounded(ahead))
    if (errors.length > 0) tell('error', t, rounded(medianOf([...errors])))
    const seconds = limit === undefined ? undefined : secondsTo(limit, now, (ahead - now) / aheadMs)
    if (seconds !== undefined && seconds * 1000 <= 10 * aheadMs) tell('time_to_limit', t, rounded(seconds))
  }
}

/** Those whose time has come: the first sample from then on says how far off they were. After a pause that is not known. */
function check({ waiting, errors }: Forecasts, { t, value, withinMs }: { t: number; value: number; withinMs: number }): void {
  let due = 0
  while (due < waiting.length && waiting[due]![0] <= t) due++
  for (const [dueMs, ahead] of waiting.splice(0, due))
    if (t - dueMs <= withinMs) errors.push(Math.min(Math.abs(value - ahead), Number.MAX_VALUE))
  if (errors.length > errorsMax) errors.splice(0, errors.length - errorsMax)
}

/** Undefined where the trend leads away from it. */
function secondsTo(limit: number, now: number, slopePerMs: number): number | undefined {
  const ms = (limit - now) / slopePerMs
  return Number.isFinite(ms) && ms >= 0 ? ms / 1000 : undefined
}
