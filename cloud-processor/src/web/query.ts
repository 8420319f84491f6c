/** Queries and bodies are checked once, here; every complaint names the parameter. */
import { alarmMatchers } from '@millrace/contract'
import { MillraceError } from '@millrace/platform'
import { z } from 'zod'

const timeMs = z.coerce.number('must be a time in epoch ms').finite().min(0).max(8.64e15)
export const channelName = z.string('is required').min(1).max(256)
export const span = { from: timeMs, to: timeMs }
export const ordered = <T extends { from: number; to: number }>(query: z.ZodType<T>) =>
  query.refine(({ from, to }) => from <= to, { path: ['from'], message: 'must not be after to' })

export const seriesQuery = (pointsMax: number) =>
  ordered(
    z.strictObject({
      ...span,
      channel: channelName,
      points: z.coerce.number().int().min(10).max(pointsMax).default(Math.min(600, pointsMax)),
    }),
  )
export const wavesQuery = ordered(z.strictObject({ ...span, channel: channelName }))
export const exportQuery = ordered(z.strictObject({ from: timeMs.default(0), to: timeMs.default(8.64e15) }))
export const gapsQuery = ordered(z.strictObject({ ...span, device: z.string().min(1).max(256).optional() }))
export const correctionsQuery = ordered(z.strictObject({ ...span, device: z.string().min(1).max(256) }))
export const eventsQuery = ordered(z.strictObject({ ...span, limit: z.coerce.number().int().min(1).max(10_000).default(1000) }))
export const alarmsQuery = z.strictObject({ state: z.enum(['active', 'all']).default('active') })

const listed = z
  .string()
  .max(10_000)
  .transform((text) => text.split(',').filter((name) => name !== ''))
export const liveQuery = z.strictObject({ devices: listed.optional(), waves: listed.optional() })

/** Needed where nobody has logged in. */
export const by = z.string().trim().min(1).max(100).optional()
const onAlarm = { alarm: z.string().min(1).max(512), by }
const reason = z.string().trim().max(1000).optional()

export const acknowledgement = z.strictObject({ ...onAlarm, note: z.string().trim().max(1000).optional() })
export const comment = z.strictObject({ ...onAlarm, note: z.string().trim().min(1).max(1000) })
export const holdOrder = z.strictObject({ ...onAlarm, reason })
/** `untilMs` absent: until it clears. */
export const shelving = z.strictObject({ ...onAlarm, reason, untilMs: z.int().optional() })
const orderId = z.string().regex(/^[\w.-]{1,64}$/, 'use letters, digits, dot, dash, underscore; at most 64')
export const silencing = z.strictObject({
  id: orderId.optional(),
  by,
  reason: z.string('say why: people see it').trim().min(1).max(1000),
  matchers: alarmMatchers.refine((given) => Object.keys(given).length > 0, 'name at least one; devices: ["*"] is all alarms'),
  untilMs: z.int(),
})
export const endOfSilence = z.strictObject({ id: orderId, by, reason })
const names = z.array(z.string().min(1).max(200)).min(1).max(100).optional()
export const limiting = z.strictObject({
  id: orderId.optional(),
  by,
  reason: z.string('say why: people see it').trim().min(1).max(1000),
  rule: z.string('is required').min(1).max(64),
  devices: names,
  subjects: names,
  groups: names,
  keys: z.record(z.string().max(64), z.number()),
  untilMs: z.int().optional(),
})
export const tryingLimit = limiting
  .pick({ rule: true, devices: true, subjects: true, groups: true, keys: true })
  .extend({ hours: z.number().min(0.1).max(168).default(24) })
export const endOfLimit = z.strictObject({ id: orderId, by, reason })
export const changesQuery = z.strictObject({ alarm: onAlarm.alarm })

/** @throws MillraceError WEB_QUERY or WEB_BODY with every fault named. */
export function check<S extends z.ZodType>(schema: S, input: unknown, code: 'WEB_QUERY' | 'WEB_BODY' = 'WEB_QUERY'): z.infer<S> {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const detail = result.error.issues.map(({ path, message }) => `${path.join('.') || '(whole)'}: ${message}`).join('; ')
  throw new MillraceError(code, { detail: `${detail}.` })
}
