/**
 * What was counted: the total over resets, rounds and gaps, and how fast. Late readings find their place: what they show of a
 * reset corrects the total from then on.
 */
import { type Channel, type Counter, increaseOf } from '@millrace/contract'
import { z } from 'zod'
import type { Analysis, Run, SourceReading, Tell } from '../analysis.ts'
import { type CounterMemory, Line, type Point, type Step } from './line.ts'

const periodsMs = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 }
const letters = { second: 's', minute: 'min', hour: 'h', day: 'd' }
type Period = keyof typeof periodsMs

const keys = {
  per: z
    .enum(Object.keys(periodsMs) as [Period, ...Period[]])
    .default('hour')
    .describe('Of what time the rate is'),
  pauseMs: z
    .number()
    .int()
    .min(1000)
    .default(60_000)
    .describe('What was counted over a longer pause is called unknown: a reset or a whole round may hide in it'),
  lateMs: z
    .number()
    .int()
    .min(0)
    .default(7 * periodsMs.day)
    .describe('Readings that come later than this are left out'),
  modulus: z
    .number()
    .positive()
    .optional()
    .describe('It goes round: the value after its highest one. Default: as the channel is declared'),
  resets: z.boolean().optional().describe('Whether it may be reset to 0. Default: as the channel is declared, or yes'),
}
type CounterKeys = z.infer<z.ZodObject<typeof keys>>

export const increase: Analysis<CounterKeys, CounterMemory> = {
  name: 'increase',
  description: 'what was counted, over resets, rounds and gaps: total and rate, and what of it is unknown',
  version: 1,
  takes: 'number',
  channels: 1,
  takesLate: true,
  keys,
  outputs({ per }, [source]) {
    const { unit } = source!
    return [
      { name: 'total', kind: 'number', unit },
      { name: 'rate', kind: 'number', unit: `${unit}/${letters[per]}` },
      { name: 'resets', kind: 'number', unit: '1' },
      { name: 'unknown', kind: 'number', unit: '1' },
    ]
  },
  memory: { empty: () => ({ pairs: [], resets: 0, unknown: 0 }), bytesMax: 16 << 10 },
  open: (entry, [source]) => new IncreaseRun(entry, source!),
}

/** Beyond this a number does not count in ones. */
const countMax = Number.MAX_SAFE_INTEGER

class IncreaseRun implements Run<CounterMemory> {
  readonly #keys: CounterKeys
  readonly #counter: Counter

  constructor(keys: CounterKeys, { counter = { resets: true } }: Channel) {
    this.#keys = keys
    const { modulus = counter.modulus, resets = counter.resets } = keys
    this.#counter = modulus === undefined ? { resets } : { modulus, resets }
  }

  take(memory: CounterMemory, { t, value }: SourceReading, tell: Tell): void {
    if (typeof value !== 'number' || !(Math.abs(value) <= countMax)) return
    const line = new Line(memory, (from, to) => this.#step(from, to), this.#keys.lateMs)
    const placed = line.put(t, value)
    if (!placed) return
    const { point, from } = placed
    tell('total', t, exact(point[1] + point[2]))
    if (from) tell('rate', t, this.#rate(from, point))
    if (point === memory.last) tellCounts(memory, t, tell)
  }

  #step([fromMs, before]: Point, [toMs, now]: Point): Step {
    const { by, how, isCertain } = increaseOf(before, now, this.#counter)
    return { carry: by - (now - before), isReset: how === 'reset', isKnown: isCertain && toMs - fromMs <= this.#keys.pauseMs }
  }

  #rate(from: Point, to: Point): number {
    const by = to[1] + to[2] - (from[1] + from[2])
    return exact((by * periodsMs[this.#keys.per]) / (to[0] - from[0]))
  }
}

/** With the newest reading, so that the newest one says what is known now: also of what came late. */
function tellCounts(memory: CounterMemory, t: number, tell: Tell): void {
  const { resets, unknown, told = [] } = memory
  if (told[0] !== resets) tell('resets', t, resets)
  if (told[1] !== unknown) tell('unknown', t, unknown)
  memory.told = [resets, unknown]
}

/** Sums of decimal fractions are not exact in binary. */
const exact = (value: number) => Number(value.toPrecision(14))
