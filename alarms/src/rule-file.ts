/**
 * The rule file. `README.md` is its reference with a worked example; the schema is the truth. YAML comes parsed. The keys of
 * a rule are those of every rule and its condition's own.
 */
import { z } from 'zod'
import { type Condition, conditionOf, conditions } from './conditions/index.ts'
import { groupsSchema } from './groups.ts'
import { overridden, overridesSchema } from './overrides.ts'
import { commonKeys, delayKeys, durationMs, type Rule } from './rule.ts'

const ruleSchema = z.discriminatedUnion(
  'condition',
  conditions.map(schemaOf) as [ReturnType<typeof schemaOf>],
) as unknown as z.ZodType<Rule>

export const ruleFileSchema = z.strictObject({
  staleMs: durationMs(
    10_000,
    'A sample is live when it is at most this far from the latest tick; a value counts for at most this long.',
  ),
  graceMs: durationMs(15_000, 'After a jump of more than 5 s between ticks no absence is raised for this long.'),
  seriesMax: z
    .number()
    .int()
    .min(1)
    .max(10_000_000)
    .default(100_000)
    .describe(
      'Most (device, channel) pairs kept in the state. At it a device that has less than its share of them gets it from as much again.',
    ),
  shelveMsMax: z
    .number()
    .int()
    .min(60_000)
    .max(7 * 86_400_000)
    .optional()
    .describe('Longest time for which an alarm can be shelved; one that is shelved until it clears too. Absent: eight hours.'),
  groups: groupsSchema,
  notifyCleared: z.boolean().default(true).describe('Whether the clearing of an alarm is notified, as its raising is.'),
  rules: z
    .array(
      ruleSchema.superRefine((rule, context) => {
        for (const message of faultsOf(rule)) context.addIssue({ code: 'custom', message })
      }),
    )
    .max(1000)
    .refine((rules) => new Set(rules.map((rule) => rule.name)).size === rules.length, 'two rules have the same name')
    .refine(hasOwnScores, 'two scores have the same channel')
    .default([])
    .describe('The rules, in the order in which alarms of the same instant are listed.'),
})

export type RuleFile = z.infer<typeof ruleFileSchema>

/** The order of the keys is part of what is stored: the hash of the file and the state of the engine are made from its JSON. */
function schemaOf({ name, description, watches, keys }: Condition) {
  const own = { ...keys, ...(watches === 'silence' ? {} : delayKeys) }
  const condition = z.literal(name).describe(description)
  return z.strictObject({ ...commonKeys, condition, ...own, overrides: overridesSchema(own) })
}

/** Each makes a series of its own under the name of its channel. */
function hasOwnScores(rules: Rule[]): boolean {
  const made = rules.filter((rule) => conditionOf(rule).watches === 'subject').map(({ channel }) => channel)
  return new Set(made).size === made.length
}

function faultsOf(rule: Rule): string[] {
  const others = rule.overrides.map((override, index) => {
    const { devices, subjects, groups = [] } = override
    if (devices.length + subjects.length + groups.length === 0) return `override ${index + 1}: name devices or subjects`
    const fault = faultOf(overridden(rule, override))
    return fault && `override ${index + 1}: ${fault}`
  })
  return [faultOf(rule), ...others].filter((fault) => fault !== undefined)
}

function faultOf(rule: Rule): string | undefined {
  return conditionOf(rule).fault?.(rule as never)
}
