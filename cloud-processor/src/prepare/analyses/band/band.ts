/**
 * What a number should be by the time of the season (the day), from its own past: the season is cut into slots, and the mean of
 * each slot in each earlier season is kept. What is expected is the median of these, on a straight line between the middles of the slots;
 * the error is the median of how far off that was before, in this slot and its neighbours. One odd season moves neither.
 */
import { medianOf } from '@millrace/alarms'
import { z } from 'zod'
import type { Analysis, Run, SourceReading, Tell } from '../analysis.ts'
import { rounded } from '../window.ts'

const dayMs = 86_400_000

const keys = {
  seasonMs: z
    .number()
    .int()
    .min(60_000)
    .max(31 * dayMs)
    .default(dayMs)
    .describe('After so long it begins again: a day, or 604800000 for a week'),
  slots: z.number().int().min(1).max(336).default(48).describe('Parts of the season that are told apart'),
  seasonsMax: z
    .number()
    .int()
    .min(3)
    .max(28)
    .default(14)
    .describe('Seasons that are kept; a level that stays is usual after half of them'),
  factor: z.number().min(1).max(100).default(5).describe('The band is so many errors to either side'),
  least: z.number().min(0).default(0).describe('The error is at least this'),
}
export type BandKeys = z.infer<z.ZodObject<typeof keys>>

interface Slot {
  /** Of each earlier season. */
  means: number[]
  /** How far off the readings were, on average. */
  errors: number[]
  /** The season that it is in now. */
  season: number
  mean: number
  count: number
  error: number
  errorCount: number
}

export interface BandMemory {
  slots: Slot[]
}

export const band: Analysis<BandKeys, BandMemory> = {
  name: 'band',
  description: 'a number: what it should be by the time of day from its own past, with the error of that, and how far off it is',
  version: 1,
  takes: 'number',
  channels: 1,
  keys,
  outputs: (_, [source]) => [
    ...['expected', 'low', 'high', 'error'].map((name) => ({ name, kind: 'number' as const, unit: source!.unit })),
    { name: 'distance', kind: 'number', unit: '1' },
  ],
  memory: { empty: ({ slots }) => ({ slots: Array.from({ length: slots }, emptySlot) }), bytesMax: 1 << 20 },
  open: (entry) => new BandRun(entry),
}

const emptySlot = (): Slot => ({ means: [], errors: [], season: 0, mean: 0, count: 0, error: 0, errorCount: 0 })

class BandRun implements Run<BandMemory> {
  readonly #keys: BandKeys

  constructor(keys: BandKeys) {
    this.#keys = keys
  }

  take({ slots }: BandMemory, { t, value }: SourceReading, tell: Tell): void {
    if (typeof value !== 'number' || !Number.isFinite(value)) return
    const { seasonMs } = this.#keys
    const season = Math.floor(t / seasonMs)
    const place = ((t - season * seasonMs) / seasonMs) * slots.length
    const number = Math.min(Math.floor(place), slots.length - 1)
    const slot = slots[number]!
    this.#begin(slot, season)
    const expected = expectedAt(slots, place)
    if (expected !== undefined) this.#judge(slots, number, { t, value, expected }, tell)
    slot.mean += (value - slot.mean) / ++slot.count
    if (!Number.isFinite(slot.mean)) slot.mean = value
  }

  /** The slot was in an earlier season: what it was then is past. */
  #begin(slot: Slot, season: number): void {
    if (slot.season === season) return
    const { seasonsMax } = this.#keys
    if (slot.count > 0) keepLast(slot.means, slot.mean, seasonsMax)
    if (slot.errorCount > 0) keepLast(slot.errors, slot.error, seasonsMax)
    Object.assign(slot, { season, mean: 0, count: 0, error: 0, errorCount: 0 })
  }

  #judge(
    slots: Slot[],
    number: number,
    { t, value, expected }: { t: number; value: number; expected: number },
    tell: Tell,
  ): void {
    const slot = slots[number]!
    const off = Math.min(Math.abs(value - expected), Number.MAX_VALUE)
    const error = this.#errorAt(slots, number)
    slot.error += (off - slot.error) / ++slot.errorCount
    tell('expected', t, rounded(expected))
    if (error === undefined) return
    const half = this.#keys.factor * error
    tell('low', t, rounded(expected - half))
    tell('high', t, rounded(expected + half))
    tell('error', t, rounded(error))
    tell('distance', t, off === 0 ? 0 : rounded(off / error))
  }

  /** Undefined before there was a season to compare with another. */
  #errorAt(slots: Slot[], number: number): number | undefined {
    const near = [-1, 0, 1].map((by) => slots[(number + by + slots.length) % slots.length]!)
    const errors = [...new Set(near)].flatMap((slot) => slot.errors)
    return errors.length === 0 ? undefined : Math.max(medianOf(errors), this.#keys.least)
  }
}

/** Between the middles of this slot and its neighbour; of this slot alone where the neighbour has no past. */
function expectedAt(slots: Slot[], place: number): number | undefined {
  const below = Math.floor(place - 0.5)
  const [left, right] = [below, below + 1].map((k) => slots[(k + slots.length) % slots.length]!.means)
  const share = place - 0.5 - below
  const own = share < 0.5 ? left! : right!
  const other = share < 0.5 ? right! : left!
  if (own.length === 0) return undefined
  const middle = medianOf([...own])
  const toOther = share < 0.5 ? share : 1 - share
  return other.length === 0 ? middle : middle * (1 - toOther) + medianOf([...other]) * toOther
}

function keepLast(list: number[], value: number, max: number): void {
  list.push(value)
  if (list.length > max) list.shift()
}
