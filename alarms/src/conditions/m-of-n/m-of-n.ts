/** Raised when at least `m` of the last `n` good samples, or of those within a time, are beyond a limit. */
import { z } from 'zod'
import type { ValueRule } from '../../rule.ts'
import type { MemoryCondition, Recall } from '../condition.ts'
import { type Limits, limitKey, rawLimits } from '../limits.ts'
import type { Outcome } from '../memory.ts'
import { rangeLimits } from '../range.ts'
import type { Scaling } from '../scaling.ts'

const keys = {
  low: limitKey('A value below this is beyond.').optional(),
  high: limitKey('A value above this is beyond.').optional(),
  m: z.number().int().min(1).max(100).describe('So many samples beyond raise.'),
  n: z.number().int().min(1).max(1_000_000).optional().describe('Of the last so many good samples.'),
  withinMs: z.number().int().min(1).max(86_400_000).optional().describe('Of those of the last so many milliseconds.'),
  clearAt: z.number().int().min(0).max(99).optional().describe('Clears at so many or fewer; default m − 1.'),
}
type CountRule = ValueRule & z.infer<z.ZodObject<typeof keys>>

interface Counted {
  /** Good samples so far. */
  seen: number
  /** The newest `m` that were beyond. */
  beyond: [index: number, t: number][]
  count: number
}

export const mOfN: MemoryCondition<CountRule, Counted> = {
  name: 'm-of-n',
  description: 'raised when at least m of the last n good samples (or of those within withinMs) are < low or > high',
  watches: 'sequence',
  keys,
  memory: { version: 1, keys: ['low', 'high', 'm', 'n', 'withinMs'], empty: () => ({ seen: 0, beyond: [], count: 0 }) },
  fault: faultOf,
  recall: (rule, scaling) => new CountRecall(rule, scaling),
  text: ({ low, high, n, withinMs }, { channel, measured, unit }) => {
    const limits = [...(low === undefined ? [] : [`below ${low}`]), ...(high === undefined ? [] : [`above ${high}`])]
    const of = n === undefined ? `within ${withinMs! / 1000} s` : `of the last ${n}`
    return `${channel} ${limits.join(' or ')}${unit === '' ? '' : ` ${unit}`} in ${measured} ${of}`
  },
}

function faultOf({ low, high, m, n, withinMs, clearAt = 0 }: CountRule): string | undefined {
  if (low === undefined && high === undefined) return 'give low, high or both'
  if (low !== undefined && high !== undefined && low > high) return 'low must not be more than high'
  if (n === undefined && withinMs === undefined) return 'give n, withinMs or both'
  if (n !== undefined && m > n) return 'm must not be more than n'
  return clearAt >= m ? 'clearAt must be less than m' : undefined
}

class CountRecall implements Recall<Counted> {
  private readonly limits: Limits
  private readonly rule: CountRule

  constructor(rule: CountRule, scaling: Scaling) {
    this.rule = rule
    this.limits = rawLimits(rangeLimits({ ...rule, hysteresis: 0 }), scaling)
  }

  take(memory: Counted, t: number, raw: number): Outcome {
    const { m, n = Infinity, withinMs = Infinity, clearAt = m - 1 } = this.rule
    const { beyond } = memory
    memory.seen++
    if (raw < this.limits.setLow || raw > this.limits.setHigh) beyond.push([memory.seen, t])
    if (beyond.length > m) beyond.shift()
    memory.count = beyond.filter(([index, at]) => index > memory.seen - n && at > t - withinMs).length
    if (memory.count >= m) return 'sets'
    return memory.count <= clearAt ? 'clears' : 'keeps'
  }

  measured({ count }: Counted): number {
    return count
  }
}
