/**
 * How little a number was to be expected after those before it, from 0 to 1: by contexts (contexts.ts) over the number cut into
 * a few steps, whose bits are the facts. Parameters are those that CAD OSE was published with; only the learning is of a bounded number of
 * readings, as the Numenta Anomaly Benchmark has it.
 */
import { z } from 'zod'
import type { Analysis, Run, SourceReading, Tell } from '../analysis.ts'
import { rounded } from '../window.ts'
import { type ContextMemory, Contexts, emptyContexts } from './contexts.ts'

const keys = {
  min: z.number().optional().describe('The usual range, with `max`; without them it is learnt'),
  max: z.number().optional().describe('See `min`'),
  learnReadings: z
    .number()
    .int()
    .min(20)
    .max(5000)
    .default(750)
    .describe('So many readings are learnt before a score counts. After an anomaly a fifth of it is passed over'),
  contextsMax: z
    .number()
    .int()
    .min(100)
    .max(3000)
    .default(3000)
    .describe('Most contexts that are kept; past it those go that were expected least recently'),
}
export type AnomalyKeys = z.infer<z.ZodObject<typeof keys>>

interface Range {
  min: number
  max: number
}

export interface AnomalyMemory extends ContextMemory {
  /** Readings that were judged. */
  judged: number
  /** Of them the last whose raw score was an anomaly; absent without one. */
  anomalyAt?: number
  /** Readings from which the range is to be learnt. */
  held: number[]
  /** Learnt. */
  range?: Range
}

/** The range is cut into 2^bits steps. */
const bits = 3
const activeMax = 15
const leftFactsMax = 7
const threshold = 0.75

export const anomaly: Analysis<AnomalyKeys, AnomalyMemory> = {
  name: 'anomaly',
  description: 'a number: how little it was to be expected after those before it, 0 to 1 (contexts after CAD OSE)',
  version: 1,
  takes: 'number',
  channels: 1,
  keys,
  fault({ min, max }) {
    if ((min === undefined) !== (max === undefined)) return 'min and max go together: give both, or neither'
    return min !== undefined && min >= max! ? `min (${min}) must be below max (${max})` : undefined
  },
  outputs: () => [{ name: 'score', kind: 'number', unit: '1', range: [0, 1] }],
  memory: { empty: () => ({ ...emptyContexts(), judged: 0, held: [] }), bytesMax: 1 << 20 },
  open: (entry) => new AnomalyRun(entry),
}

class AnomalyRun implements Run<AnomalyMemory> {
  readonly #keys: AnomalyKeys
  readonly #given?: Range
  /** Each lane has a memory. */
  readonly #contexts = new WeakMap<AnomalyMemory, Contexts>()

  constructor(entry: AnomalyKeys) {
    this.#keys = entry
    const { min, max } = entry
    if (min !== undefined) this.#given = { min, max: max! }
  }

  take(memory: AnomalyMemory, { t, value }: SourceReading, tell: Tell): void {
    if (typeof value !== 'number' || !Number.isFinite(value)) return
    const range = this.#given ?? memory.range
    if (!range) return this.#hold(memory, value)
    const score = this.#judge(memory, range, value)
    tell('score', t, rounded(score), memory.judged <= this.#keys.learnReadings)
  }

  /** Until the range is known; then those that were held are learnt from. */
  #hold(memory: AnomalyMemory, value: number): void {
    memory.held.push(value)
    if (memory.held.length < this.#keys.learnReadings) return
    memory.range = learntRange(memory.held)
    for (const one of memory.held.splice(0)) this.#judge(memory, memory.range, one)
  }

  #judge(memory: AnomalyMemory, range: Range, value: number): number {
    const { expected, added } = this.#contextsOf(memory).step(factsOf(value, range))
    const score = (1 - expected + added) / 2
    const quiet = Math.floor(this.#keys.learnReadings / 5)
    const isQuiet = memory.anomalyAt !== undefined && memory.judged - memory.anomalyAt <= quiet
    if (score >= threshold) memory.anomalyAt = memory.judged
    memory.judged++
    return isQuiet ? 0 : score
  }

  #contextsOf(memory: AnomalyMemory): Contexts {
    let contexts = this.#contexts.get(memory)
    if (!contexts) {
      const { contextsMax } = this.#keys
      contexts = new Contexts(memory, { valueFacts: 2 * bits, activeMax, leftFactsMax, contextsMax })
      this.#contexts.set(memory, contexts)
    }
    return contexts
  }
}

/** Half as far again to either side of what was seen. */
function learntRange(values: number[]): Range {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const half = Math.max(most / 2 - least / 2, Math.abs(most) / 1000, 1e-9)
  return { min: Math.max(least - half, -Number.MAX_VALUE), max: Math.min(most + half, Number.MAX_VALUE) }
}

/** Of each bit its number and its state. A value outside has the outermost step. */
function factsOf(value: number, { min, max }: Range): number[] {
  const top = 2 ** bits - 1
  const step = Math.min(Math.max(Math.floor(((value / 2 - min / 2) / (max / 2 - min / 2)) * top), 0), top)
  return Array.from({ length: bits }, (_, bit) => 2 * bit + ((step >> bit) & 1))
}
