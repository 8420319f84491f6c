/**
 * A condition says when the alarm of a rule is raised and when it clears. It is pure: numbers in, an answer out. The engine
 * owns everything else: time, the two delays, live and late lanes, the life of an alarm and its record.
 *
 * A plug-in is a folder `x/` with `x.ts`, `x.test.ts`, `README.md`; it adds one line to `index.ts`. `conformance.ts` is the
 * contract as a test suite.
 */
import type { z } from 'zod'
import type { Override, Rule, ValueRule } from '../rule.ts'
import type { Scaling } from './scaling.ts'
import type { Facts } from './words.ts'

export type Condition = ValueCondition | SilenceCondition

/** Judged at every good sample. Its rules have `delayOnMs` and `delayOffMs` as well. */
export interface ValueCondition<R extends ValueRule = ValueRule> extends ConditionOf<R> {
  watches: 'values'
  /** Made once for each series and rule, so that a sample costs only comparisons. */
  judge(rule: R, scaling: Scaling): Judge
}

/** Judged at every tick; the next good sample clears it. Its alarms are technical. */
export interface SilenceCondition<R extends Rule = Rule> extends ConditionOf<R> {
  watches: 'silence'
  /** How long no good sample may come before the alarm is raised. */
  silentMs(rule: R): number
}

interface ConditionOf<R extends Rule> {
  /** What a rule says in `condition`. */
  name: string
  /** When it raises and clears, for the reference page. */
  description: string
  /** Its own keys of a rule; an entry of `overrides` may replace each. */
  keys: z.ZodRawShape
  /** Why the rule cannot be meant, such as limits on the wrong side of each other. */
  fault?(rule: R): string | undefined
  /** The rule with the keys of an override. Where this is not given, each replaces the rule's. */
  override?(rule: R, override: Override & Partial<R>): R
  /** `{limit}` in the text of a rule: the one that this value is beyond. */
  limit?(rule: R, value: number | undefined): number
  /** What an alarm says whose rule has no `text`. */
  text(rule: R, facts: Facts): string
}

/**
 * One rule at one series. Values are the device's own numbers. No value both sets and clears. A text is judged by `setsText`: what it
 * does not set it clears; where there is none it does neither.
 */
export interface Judge {
  sets(raw: number): boolean
  clears(raw: number): boolean
  setsText?(text: string): boolean
}
