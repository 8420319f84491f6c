/**
 * Raised when the points of several channels of a subject, by a table of bands for each, come to `set`, or those of one channel
 * to `single`. What is not known is never guessed: with a channel missing the sum is "at least n", which raises and does not clear.
 */
import { z } from 'zod'
import { durationMs, type ValueRule } from '../../rule.ts'
import type { ScoreCondition } from '../condition.ts'

const state = z.union([z.string().max(200), z.number(), z.boolean()])
const points = z.number().int().min(0).max(100)
const bands = z
  .array(
    z.strictObject({
      upTo: z.number().optional().describe('Values up to this one, itself included; none: all further ones.'),
      is: z
        .union([state, z.array(state)])
        .optional()
        .describe('Instead: this state, or one of these.'),
      points: points.describe('What such a value counts.'),
    }),
  )
  .min(1)
  .max(50)
  .describe('The first one that a value belongs to counts. A value that belongs to none is not known.')
const when = z.strictObject({
  channel: z.string().min(1).max(200).describe('Where this channel'),
  is: state.describe('has this value,'),
  bands: bands.describe('these bands count instead.'),
})

const keys = {
  set: points.describe('Raises at so many points or more.'),
  clear: points.optional().describe('Clears at so many or fewer, when all channels are known; default `set` − 1.'),
  single: points.min(1).optional().describe('Raises also when one channel has so many points or more.'),
  validMs: durationMs(3_600_000, 'How long a value counts after its own time.'),
  channels: z
    .array(
      z.strictObject({
        channel: z.string().min(1).max(200).describe('Name of a channel.'),
        bands,
        when: when.optional().describe('Other bands that depend on another channel; not known while that one is not.'),
      }),
    )
    .min(1)
    .max(50)
    .describe('What is scored, of all devices of the subject.'),
}
type ScoreRule = ValueRule & z.infer<z.ZodObject<typeof keys>>
type Band = z.infer<typeof bands>[number]
type Value = number | string

export const score: ScoreCondition<ScoreRule> = {
  name: 'score',
  description:
    'raised when the points of the channels are ≥ set (or those of one ≥ single), cleared when all are known and ≤ clear',
  watches: 'subject',
  keys,
  fault: ({ set, clear = 0 }) => (clear >= set ? 'clear must be less than set' : undefined),
  validMs: ({ validMs }) => validMs,
  channels: ({ channels }) => [...new Set(channels.flatMap(({ channel, when }) => (when ? [channel, when.channel] : [channel])))],
  score({ set, clear = set - 1, single = Infinity, channels }, valueFor) {
    const each = channels.map((one) => pointsOf(one, valueFor))
    const missing = channels.filter((_, k) => each[k] === undefined).map(({ channel }) => channel)
    const known = each.filter((one) => one !== undefined)
    const sum = known.reduce((total, one) => total + one, 0)
    const most = Math.max(0, ...known)
    if (sum >= set || most >= single) return { points: sum, missing, outcome: 'sets' }
    return { points: sum, missing, outcome: missing.length === 0 && sum <= clear ? 'clears' : 'keeps' }
  },
  text: (_rule, { channel, value, reason }) => `${channel} is ${reason ?? value}`,
}

function pointsOf({ channel, bands, when }: ScoreRule['channels'][number], valueFor: (channel: string) => Value | undefined) {
  const value = valueFor(channel)
  const other = when && valueFor(when.channel)
  if (value === undefined || (when && other === undefined)) return undefined
  const counting = when && isState(other!, when.is) ? when.bands : bands
  return counting.find((band) => belongs(value, band))?.points
}

function belongs(value: Value, { upTo, is }: Band): boolean {
  if (is !== undefined) return (Array.isArray(is) ? is : [is]).some((one) => isState(value, one))
  return upTo === undefined || (typeof value === 'number' && value <= upTo)
}

/** Booleans come as 1 and 0. */
const isState = (value: Value, state: string | number | boolean) => value === (typeof state === 'boolean' ? Number(state) : state)
