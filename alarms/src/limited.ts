/**
 * Which limits hold for whom, where people set some beside the rule file. In layers, each over the one before:
 *
 *     1  the rule
 *     2  the first of its overrides that matches
 *     3  of the limits without an end that match the one that was set last
 *     4  of those until a time the same
 *
 * A key that a layer does not name stays. A layer with which the rule could not be meant, such as `clear` past `set`, is left out.
 */
import { ownValue } from '@millrace/platform'
import { z } from 'zod'
import { conditionOf } from './conditions/index.ts'
import type { EngineState, LimitState } from './engine.ts'
import { matches } from './glob.ts'
import { groupsFor } from './groups.ts'
import { optional, overridden, type Whose } from './overrides.ts'
import { delayKeys, type Override, type Rule } from './rule.ts'
import type { RuleFile } from './rule-file.ts'

export type LimitGiven = Pick<LimitState, 'rule' | 'devices' | 'subjects' | 'groups' | 'keys'>
type LimitWhom = Omit<LimitGiven, 'rule' | 'keys'>

export function limited({ limits }: EngineState, rule: Rule, whose: Whose): Rule {
  if (limits === undefined) return rule
  const ours = limits.filter((one) => one.rule === rule.name && isForWhom(one, whose))
  const permanent = ours.findLast(({ untilMs }) => untilMs === undefined)
  const timed = ours.findLast(({ untilMs }) => untilMs !== undefined)
  return [permanent, timed].reduce((under, layer) => (layer ? over(under, layer) : under), rule)
}

function over(rule: Rule, { keys }: LimitState): Rule {
  const changed = overridden(rule, keys as unknown as Override)
  return conditionOf(changed).fault?.(changed as never) === undefined ? changed : rule
}

/** Whether the newest reading is to be known when a limit ends. */
export function keepsNewest({ limits = [] }: EngineState, rule: Rule, whose: Whose): boolean {
  return limits.some((one) => one.rule === rule.name && isForWhom(one, whose))
}

/** Whether a limit is for a device that measures a subject. */
export function isLimitFor(file: RuleFile, given: LimitWhom, { device, subject }: Omit<Whose, 'groups'>): boolean {
  return isForWhom(given, { device, subject, groups: groupsFor(file, device, subject) })
}

function isForWhom({ devices, subjects, groups }: LimitWhom, whose: Whose): boolean {
  return (
    (devices === undefined || matches(devices, whose.device)) &&
    (subjects === undefined || matches(subjects, whose.subject)) &&
    (groups === undefined || whose.groups.some((group) => matches(groups, group)))
  )
}

/** Keys of a rule that a limit may have: its numbers, but for those that say what of the past is kept. */
export function keysLimited(rule: Rule): Record<string, number | undefined> {
  const of = rule as unknown as Record<string, number | undefined>
  return Object.fromEntries(Object.keys(numbersOf(rule)).map((key) => [key, ownValue(of, key)]))
}

function numbersOf(rule: Rule): z.ZodRawShape {
  const condition = conditionOf(rule)
  const kept = 'memory' in condition ? condition.memory.keys : []
  const own = { ...condition.keys, ...(condition.watches === 'silence' ? {} : delayKeys) }
  return Object.fromEntries(Object.entries(own).filter(([name, key]) => isNumber(key as z.ZodType) && !kept.includes(name)))
}

function isNumber(key: z.ZodType): boolean {
  if (key instanceof z.ZodDefault || key instanceof z.ZodOptional) return isNumber(key.unwrap() as z.ZodType)
  return key instanceof z.ZodNumber
}

/** Why the limit cannot be meant; undefined where it can. */
export function faultOfLimit({ rules }: RuleFile, given: LimitGiven): string | undefined {
  const rule = rules.find(({ name }) => name === given.rule)
  if (!rule) return `rule: there is no rule "${given.rule.slice(0, 64)}". Rules are ${rules.map(({ name }) => name).join(', ')}.`
  if (!given.devices && !given.subjects && !given.groups)
    return 'name devices, subjects or groups; devices: ["*"] is all of them.'
  return faultOfKeys(rule, given.keys)
}

function faultOfKeys(rule: Rule, keys: Record<string, number>): string | undefined {
  const numbers = numbersOf(rule)
  const known = Object.keys(numbers).join(', ')
  if (Object.keys(keys).length === 0) return `keys: name at least one of ${known}.`
  const unknown = Object.keys(keys).find((key) => !Object.hasOwn(numbers, key))
  if (unknown !== undefined) return `keys.${unknown}: the condition ${rule.condition} has no such limit. It has ${known}.`
  const schema = z.strictObject(
    Object.fromEntries(Object.entries(numbers).map(([key, one]) => [key, optional(one as z.ZodType)])),
  )
  const [issue] = schema.safeParse(keys).error?.issues ?? []
  if (issue) return `keys.${issue.path.join('.')}: ${issue.message}.`
  const bases = [rule, ...rule.overrides.map((one) => overridden(rule, one))]
  const changed = bases.map((base) => overridden(base, keys as unknown as Override))
  const fault = changed.map((one) => conditionOf(one).fault?.(one as never)).find((one) => one !== undefined)
  return fault && `keys: ${fault}.`
}

/** For people. */
export function limitText({ rule, devices, subjects, groups, keys }: LimitGiven): string {
  const values = Object.entries(keys).map(([key, value]) => `${key} ${value}`)
  const whom = Object.entries({ devices, subjects, groups }).flatMap(([key, names]) =>
    names ? [`${key} ${names.join(', ')}`] : [],
  )
  return `${rule}: ${values.join(', ')} for ${whom.join('; ')}`
}
