/** The entries of a rule with other limits for some devices or subjects; the first one that matches counts. */
import { z } from 'zod'
import { conditionOf } from './conditions/index.ts'
import { type Override, type Rule, scopeKeys } from './rule.ts'

/** @param keys of the rule that an entry may replace. */
export function overridesSchema(keys: z.ZodRawShape) {
  const loose = Object.entries(keys).map(([name, key]) => [name, optional(key as z.ZodType)])
  return z
    .array(z.strictObject({ ...scopeKeys, ...Object.fromEntries(loose) }))
    .max(10_000)
    .default([])
    .describe('Other limits for some devices or subjects; the first entry that matches counts.')
}

/** Without its default, which would replace what the rule says. */
export function optional(key: z.ZodType): z.ZodType {
  if (key instanceof z.ZodDefault) return (key.unwrap() as z.ZodType).optional().describe('Instead of the rule’s.')
  return key instanceof z.ZodOptional ? key : key.optional()
}

/** What readings are of. */
export interface Whose {
  device: string
  subject: string
  groups: string[]
}

/** The rule with the limits that hold for this device and subject. */
export function ruleFor(
  rule: Rule,
  matches: (patterns: string[], name: string) => boolean,
  { device, subject, groups }: Whose,
): Rule {
  const override = rule.overrides.find(
    (one) =>
      (one.devices.length === 0 || matches(one.devices, device)) &&
      (one.subjects.length === 0 || matches(one.subjects, subject)) &&
      (one.groups === undefined || groups.some((group) => matches(one.groups!, group))),
  )
  return override ? overridden(rule, override) : rule
}

export function overridden(rule: Rule, override: Override): Rule {
  const { override: merge } = conditionOf(rule)
  const merged = merge ? merge(rule as never, override as never) : { ...rule, ...override }
  return { ...merged, devices: rule.devices, overrides: [] }
}
