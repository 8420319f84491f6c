/** Raised while the value is one of some states, or none of them: of a text, a boolean or a number. */
import { z } from 'zod'
import type { ValueRule } from '../../rule.ts'
import type { Judge, ValueCondition } from '../condition.ts'
import { rawValue, type Scaling } from '../scaling.ts'
import { amountOf } from '../words.ts'

const state = z.union([z.string().max(1000), z.number(), z.boolean()])

const keys = {
  is: z
    .union([state, z.array(state).min(1).max(1000)])
    .describe(
      'Raises while the value is this, or one of these: a text as it is written, a number in the channel’s unit, true or false.',
    ),
  not: z.boolean().default(false).describe('Raises while the value is none of them instead.'),
}
type EqualsRule = ValueRule & z.infer<z.ZodObject<typeof keys>>

export const equals: ValueCondition<EqualsRule> = {
  name: 'equals',
  description: 'raised while the value is `is`, or one of them; with `not` while it is none of them',
  watches: 'values',
  keys,
  judge: (rule, scaling) => new StateJudge(rule, scaling),
  text: ({ is }, facts) => {
    const { channel, value, unit, seconds } = facts
    const hasBooleans = statesOf(is).some((one) => typeof one === 'boolean')
    const shown = hasBooleans && typeof value === 'number' ? `${value !== 0}` : amountOf(value, unit)
    return `${channel} is ${shown}${seconds > 0 ? ` for ${seconds} s` : ''}`
  },
}

const statesOf = (is: EqualsRule['is']) => (Array.isArray(is) ? is : [is])

class StateJudge implements Judge {
  private readonly numbers: ReadonlySet<number>
  private readonly texts: ReadonlySet<string>
  private readonly not: boolean

  constructor({ is, not }: EqualsRule, scaling: Scaling) {
    const states = statesOf(is)
    this.numbers = new Set(states.filter((one) => typeof one !== 'string').map((one) => rawValue(Number(one), scaling)))
    this.texts = new Set(states.filter((one) => typeof one === 'string'))
    this.not = not
  }

  sets(raw: number): boolean {
    return this.numbers.has(raw) !== this.not
  }

  clears(raw: number): boolean {
    return !this.sets(raw)
  }

  setsText(text: string): boolean {
    return this.texts.has(text) !== this.not
  }
}
