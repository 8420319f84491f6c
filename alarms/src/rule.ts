/**
 * What every rule has, whatever its condition. Limits are in the channel's unit, that is scaled; times are milliseconds of
 * event time.
 */
import { z } from 'zod'

const dayMs = 86_400_000
export const durationMs = (fallbackMs: number, text: string) =>
  z.number().int().min(0).max(dayMs).default(fallbackMs).describe(text)
export const globs = (text: string) => z.array(z.string().min(1).max(200)).max(1000).describe(`${text} * and ? are wild.`)

/** Names that the engine itself raises alarms under. */
export const ownRules = {
  ingestGap: 'ingest-gap',
  seriesLimit: 'series-limit',
  clockJump: 'clock-jump',
  gatewayClock: 'gateway-clock',
  gatewayLink: 'gateway-link',
  outOfTime: 'readings-out-of-time',
} as const

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'use a-z, 0-9, dot, dash, underscore; at most 64')
  .refine((text) => !Object.values<string>(ownRules).includes(text), 'this name is kept for the engine')
  .describe('Unique in the file; the first part of every alarm id.')

export const commonKeys = {
  name,
  channel: z.string().min(1).max(200).describe('Name of the channel as the device declares it.'),
  priority: z.enum(['low', 'medium', 'high']).default('medium').describe('How urgent the alarm is.'),
  devices: globs('Devices the rule watches.').default(['*']),
  text: z
    .string()
    .max(500)
    .optional()
    .describe(
      'For people; {rule} {device} {subject} {channel} {value} {unit} {limit} {measured} {seconds} {reason} are filled in.',
    ),
  realarmAfterMs: z
    .number()
    .int()
    .min(10_000)
    .max(dayMs)
    .optional()
    .describe('An active alarm is told again this long after it was told last, until somebody acknowledges it. Absent: never.'),
}

/** Of a rule on values. */
export const delayKeys = {
  delayOnMs: durationMs(0, 'The value must be beyond the limit this long before the alarm is raised.'),
  delayOffMs: durationMs(0, 'The value must be back this long before the alarm clears.'),
  latch: z.boolean().optional().describe('The alarm stays when the value is back, until somebody resets it. Default false.'),
  minQuality: z
    .enum(['uncertain', 'good'])
    .optional()
    .describe(
      'Readings below it neither raise nor clear, and both delays begin again after one. Bad ones never count. Default `uncertain`.',
    ),
}

/** Of an entry of `overrides`: what it is for. */
export const scopeKeys = {
  devices: globs('Devices this entry is for.').default([]),
  subjects: globs('Subjects this entry is for.').default([]),
  groups: globs('Groups of the file this entry is for.').optional(),
}

/** Further keys are the condition's, each as it is in the rule. */
export type Override = z.infer<z.ZodObject<typeof scopeKeys>>
export type Rule = z.infer<z.ZodObject<typeof commonKeys>> & { condition: string; overrides: Override[] }
export type ValueRule = Rule & z.infer<z.ZodObject<typeof delayKeys>>
