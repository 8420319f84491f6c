/** Raised when good samples come and have not moved by more than `tolerance` for `forMs`; cleared by one that has. */
import { z } from 'zod'
import { durationMs, type ValueRule } from '../../rule.ts'
import type { MemoryCondition, Recall } from '../condition.ts'
import type { Outcome } from '../memory.ts'
import { rawValue } from '../scaling.ts'
import { amountOf } from '../words.ts'

const keys = {
  forMs: durationMs(600_000, 'How long the value must not have moved.'),
  tolerance: z.number().min(0).default(0).describe('The value has moved when it went through more than this.'),
  pauseMsMax: durationMs(60_000, 'After a longer time between two good samples the time begins again.'),
}
type StuckRule = ValueRule & z.infer<z.ZodObject<typeof keys>>

interface Still {
  sinceMs?: number
  t?: number
  low?: number
  high?: number
}

export const stuck: MemoryCondition<StuckRule, Still> = {
  name: 'stuck',
  description: 'raised when good samples come and did not move by more than `tolerance` for `forMs`, cleared when one has moved',
  watches: 'sequence',
  isTechnical: true,
  keys,
  memory: { version: 1, keys: ['tolerance', 'pauseMsMax'], empty: () => ({}) },
  recall({ forMs, tolerance, pauseMsMax }, { scale }): Recall<Still> {
    const rawTolerance = Math.abs(rawValue(tolerance, { scale, offset: 0 }))
    return { take: (memory, t, raw) => takeStill(memory, { t, raw, forMs, rawTolerance, pauseMsMax }) }
  },
  text: ({ forMs }, { channel, value, unit }) => `${channel} has been ${amountOf(value, unit)} for ${forMs / 1000} s`,
}

interface Sample {
  t: number
  raw: number
  forMs: number
  rawTolerance: number
  pauseMsMax: number
}

/** A pause says nothing: it begins the time again, and clears nothing. */
function takeStill(memory: Still, { t, raw, forMs, rawTolerance, pauseMsMax }: Sample): Outcome {
  const low = Math.min(memory.low ?? raw, raw)
  const high = Math.max(memory.high ?? raw, raw)
  const hasMoved = high - low > rawTolerance
  const hasPaused = memory.t === undefined || t - memory.t > pauseMsMax
  memory.t = t
  if (hasMoved || hasPaused) memory.sinceMs = t
  memory.low = hasMoved ? raw : low
  memory.high = hasMoved ? raw : high
  if (hasMoved) return 'clears'
  return t - memory.sinceMs! >= forMs ? 'sets' : 'keeps'
}
