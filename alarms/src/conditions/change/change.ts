/** Raised by a value that differs from the one before, cleared by the next one that does not. */
import { z } from 'zod'
import type { ValueRule } from '../../rule.ts'
import type { MemoryCondition, Recall } from '../condition.ts'
import type { Outcome } from '../memory.ts'
import { rawValue, type Scaling, scaledValue } from '../scaling.ts'
import { amountOf } from '../words.ts'

const keys = {
  by: z.number().positive().optional().describe('Least difference that raises; default: any. With it texts are not judged.'),
  direction: z.enum(['up', 'down', 'any']).default('any').describe('Of numbers: which differences raise.'),
}
type ChangeRule = ValueRule & z.infer<z.ZodObject<typeof keys>>

interface Before {
  last?: number | string
  /** Of numbers: the difference from the one before, unscaled. */
  by: number
}

export const change: MemoryCondition<ChangeRule, Before> = {
  name: 'change',
  description: 'raised when the value differs from the one before (by at least `by`), cleared when the next one does not',
  watches: 'sequence',
  keys,
  memory: { version: 1, keys: [], empty: () => ({ by: 0 }) },
  recall: (rule, scaling) => new ChangeRecall(rule, scaling),
  text: (_rule, { channel, value, unit, measured }) =>
    measured === undefined
      ? `${channel} changed to ${amountOf(value, unit)}`
      : `${channel} changed by ${amountOf(measured, unit)} to ${amountOf(value, unit)}`,
}

/** Characters of a text that are compared. */
const textMax = 1000

class ChangeRecall implements Recall<Before> {
  private readonly least: number | undefined
  /** Of the difference between raw numbers; 0: any. */
  private readonly sign: number
  private readonly scaling: Scaling
  private readonly judgesTexts: boolean

  constructor({ by, direction }: ChangeRule, { scale }: Scaling) {
    this.scaling = { scale, offset: 0 }
    this.least = by === undefined ? undefined : Math.abs(rawValue(by, this.scaling))
    this.sign = direction === 'any' ? 0 : (direction === 'up' ? 1 : -1) * Math.sign(scale)
    this.judgesTexts = by === undefined && direction === 'any'
  }

  take(memory: Before, _t: number, raw: number): Outcome {
    const { last } = memory
    memory.last = raw
    if (typeof last !== 'number') return 'keeps'
    memory.by = raw - last
    const size = this.sign === 0 ? Math.abs(memory.by) : memory.by * this.sign
    return (this.least === undefined ? size > 0 : size >= this.least) ? 'sets' : 'clears'
  }

  takeText(memory: Before, _t: number, text: string): Outcome {
    const { last } = memory
    memory.last = text.slice(0, textMax)
    if (typeof last !== 'string' || !this.judgesTexts) return 'keeps'
    return memory.last === last ? 'clears' : 'sets'
  }

  measured({ last, by }: Before): number | undefined {
    return typeof last === 'number' ? scaledValue(by, this.scaling) : undefined
  }
}
