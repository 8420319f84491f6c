/**
 * The rule file. `README.md` is its reference with a worked example; the schema is the truth. YAML comes parsed.
 * Limits are in the channel's unit, that is scaled; times are milliseconds of event time.
 */
import { z } from 'zod'

const dayMs = 86_400_000
const durationMs = (fallbackMs: number, text: string) => z.number().int().min(0).max(dayMs).default(fallbackMs).describe(text)
const globs = (text: string) => z.array(z.string().min(1).max(200)).max(1000).describe(`${text} * and ? are wild.`)
const limit = (text: string) => z.number().describe(text)

/** Names that the engine itself raises alarms under. */
export const ownRules = {
  ingestGap: 'ingest-gap',
  seriesLimit: 'series-limit',
  clockJump: 'clock-jump',
  gatewayClock: 'gateway-clock',
  outOfTime: 'readings-out-of-time',
} as const

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'use a-z, 0-9, dot, dash, underscore; at most 64')
  .refine((text) => !Object.values<string>(ownRules).includes(text), 'this name is kept for the engine')
  .describe('Unique in the file; the first part of every alarm id.')

const scope = {
  devices: globs('Devices this entry is for.').default([]),
  subjects: globs('Subjects this entry is for.').default([]),
}
const delays = {
  delayOnMs: durationMs(0, 'The value must be beyond the limit this long before the alarm is raised.'),
  delayOffMs: durationMs(0, 'The value must be back this long before the alarm clears.'),
}
const looseDelays = {
  delayOnMs: delays.delayOnMs.unwrap().optional().describe('Instead of the rule’s.'),
  delayOffMs: delays.delayOffMs.unwrap().optional().describe('Instead of the rule’s.'),
}

const setClear = {
  set: limit('Raises beyond this value.'),
  clear: limit('Clears at or past this value; default `set`.').optional(),
}
const lowHigh = {
  low: limit('Raises below this value.'),
  high: limit('Raises above this value.'),
  hysteresis: z.number().min(0).default(0).describe('Clears only this far inside low and high.'),
}
const afterMs = durationMs(10_000, 'Silence counted from the last good sample’s own time.')

const overrides = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z
    .array(z.strictObject({ ...scope, ...shape }))
    .max(10_000)
    .default([])
    .describe('Other limits for some devices or subjects; the first entry that matches counts.')

const common = {
  name,
  channel: z.string().min(1).max(200).describe('Name of the channel as the device declares it.'),
  priority: z.enum(['low', 'medium', 'high']).default('medium').describe('How urgent the alarm is.'),
  devices: globs('Devices the rule watches.').default(['*']),
  text: z
    .string()
    .max(500)
    .optional()
    .describe('For people; {rule} {device} {subject} {channel} {value} {unit} {limit} {seconds} {reason} are filled in.'),
}

const levelOverrides = overrides({ set: setClear.set.optional(), clear: setClear.clear, ...looseDelays })
const ruleSchema = z.discriminatedUnion('condition', [
  z.strictObject({ ...common, condition: z.literal('below'), ...setClear, ...delays, overrides: levelOverrides }),
  z.strictObject({ ...common, condition: z.literal('above'), ...setClear, ...delays, overrides: levelOverrides }),
  z.strictObject({
    ...common,
    condition: z.literal('outside'),
    ...lowHigh,
    ...delays,
    overrides: overrides({
      low: lowHigh.low.optional(),
      high: lowHigh.high.optional(),
      hysteresis: z.number().min(0).optional().describe('Instead of the rule’s.'),
      ...looseDelays,
    }),
  }),
  z.strictObject({
    ...common,
    condition: z.literal('absent'),
    afterMs,
    overrides: overrides({ afterMs: afterMs.unwrap().optional().describe('Instead of the rule’s.') }),
  }),
])

export type Rule = z.infer<typeof ruleSchema>
export type AbsentRule = Extract<Rule, { condition: 'absent' }>
export type ValueRule = Exclude<Rule, AbsentRule>

export const ruleFileSchema = z.strictObject({
  staleMs: durationMs(
    10_000,
    'A sample is live when it is at most this far from the latest tick; a value stands for at most this long.',
  ),
  graceMs: durationMs(15_000, 'After a jump of more than 5 s between ticks no absence is raised for this long.'),
  seriesMax: z.number().int().min(1).max(10_000_000).default(100_000).describe('Most (device, channel) pairs kept in the state.'),
  notifyCleared: z.boolean().default(true).describe('Whether the clearing of an alarm is notified, as its raising is.'),
  rules: z
    .array(
      ruleSchema.superRefine((rule, context) => {
        for (const message of faultsOf(rule)) context.addIssue({ code: 'custom', message })
      }),
    )
    .max(1000)
    .refine((rules) => new Set(rules.map((rule) => rule.name)).size === rules.length, 'two rules have the same name')
    .default([])
    .describe('The rules, in the order in which alarms of the same instant are listed.'),
})

export type RuleFile = z.infer<typeof ruleFileSchema>

/** The rule with the limits that hold for this device and subject: those of the first override that matches both. */
export function rulesFor<R extends Rule>(
  rule: R,
  matches: (patterns: string[], name: string) => boolean,
  device: string,
  subject: string,
): R {
  const override = (rule.overrides as z.infer<z.ZodObject<typeof scope>>[]).find(
    ({ devices, subjects }) =>
      (devices.length === 0 || matches(devices, device)) && (subjects.length === 0 || matches(subjects, subject)),
  )
  return override ? overridden(rule, override) : rule
}

function overridden<R extends Rule>(rule: R, override: object): R {
  // A set limit of its own makes the rule's clear limit meaningless, unless the entry gives one too.
  const clear = 'set' in override && 'clear' in rule ? { clear: undefined } : {}
  return { ...rule, ...clear, ...override, devices: rule.devices, overrides: [] }
}

function faultsOf(rule: Rule): string[] {
  const own = limitFault(rule)
  const others = rule.overrides.map((override, index) => {
    if (override.devices.length + override.subjects.length === 0) return `override ${index + 1}: name devices or subjects`
    const fault = limitFault(overridden(rule, override))
    return fault && `override ${index + 1}: ${fault}`
  })
  return [own, ...others].filter((fault) => fault !== undefined)
}

function limitFault(rule: Rule): string | undefined {
  if (rule.condition === 'below' && (rule.clear ?? rule.set) < rule.set) return 'clear must not be less than set'
  if (rule.condition === 'above' && (rule.clear ?? rule.set) > rule.set) return 'clear must not be more than set'
  if (rule.condition === 'outside' && rule.low + rule.hysteresis > rule.high - rule.hysteresis)
    return 'low + hysteresis must not be more than high - hysteresis'
  return undefined
}
