/**
 * Raised while an expression in CEL over channels of a subject is true, cleared when it is false. It is evaluated at a tick, where one of
 * them has a new value. What is not known decides nothing: an expression that cannot be told without it neither raises nor clears.
 */
import { setOwn } from '@millrace/platform'
import { z } from 'zod'
import { durationMs, type ValueRule } from '../../rule.ts'
import type { Score, ScoreCondition } from '../condition.ts'
import { compile, type Evaluate, faultIn, lengthMax, type Values } from './cel.ts'

const variable = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,39}$/, 'use letters, digits and underscore; at most 40')

const keys = {
  expression: z
    .string()
    .min(1)
    .max(lengthMax)
    .describe('In CEL, such as `spo2 < 90.0 && hr > 120.0`. Numbers are doubles, booleans 1.0 and 0.0. No loops.'),
  channels: z
    .record(variable, z.string().min(1).max(200))
    .refine((channels) => Object.keys(channels).length <= 20, 'at most 20')
    .refine((channels) => Object.keys(channels).length > 0, 'name at least one')
    .describe('What each name in it stands for: a channel, of all devices of the subject.'),
  validMs: durationMs(3_600_000, 'How long a value counts after its own time.'),
}
type ExpressionRule = ValueRule & z.infer<z.ZodObject<typeof keys>>

export const expression: ScoreCondition<ExpressionRule> = {
  name: 'expression',
  description: 'raised while an expression in CEL over channels of the subject is true, cleared when it is false',
  watches: 'subject',
  keys,
  fault({ expression, channels }) {
    const fault = faultIn(expression, Object.keys(channels))
    return fault && `expression: ${fault}`
  },
  channels: ({ channels }) => [...new Set(Object.values(channels))],
  validMs: ({ validMs }) => validMs,
  score(rule, valueFor): Score {
    const values: Values = {}
    const missing: string[] = []
    for (const [name, channel] of Object.entries(rule.channels)) {
      const value = valueFor(channel)
      if (value === undefined) missing.push(channel)
      else setOwn(values, name, value)
    }
    const result = compiled(rule)(values)
    return { points: Number(result ?? 0), missing, outcome: result === undefined ? 'keeps' : result ? 'sets' : 'clears' }
  },
  text: ({ expression }, { channel }) => `${channel}: ${expression}`,
}

const evaluations = new WeakMap<ExpressionRule, Evaluate>()

function compiled(rule: ExpressionRule): Evaluate {
  let evaluate = evaluations.get(rule)
  if (!evaluate) {
    evaluate = compile(rule.expression)
    evaluations.set(rule, evaluate)
  }
  return evaluate
}
