/**
 * A condition says when the alarm of a rule is raised and when it clears. It is pure: numbers in, an answer out. The engine
 * owns everything else: time, the two delays, live and late lanes, the life of an alarm and its record.
 *
 * A plug-in is a folder `x/` with `x.ts`, `x.test.ts`, `README.md`; it adds one line to `index.ts`. `conformance.ts` is the
 * contract as a test suite.
 */
import type { z } from 'zod'
import type { Override, Rule, ValueRule } from '../rule.ts'
import type { MemoryOf, Outcome } from './memory.ts'
import type { Scaling } from './scaling.ts'
import type { Facts } from './words.ts'

export type Condition = ValueCondition | MemoryCondition | ScoreCondition | SilenceCondition

/** Judged at every good sample. Its rules have `delayOnMs` and `delayOffMs` as well. */
export interface ValueCondition<R extends ValueRule = ValueRule> extends ConditionOf<R> {
  watches: 'values'
  /** Made once for each series and rule, so that a sample costs only comparisons. */
  judge(rule: R, scaling: Scaling): Judge
}

/** Judged at every good sample, by earlier ones as well. Its rules have the two delays, too. */
export interface MemoryCondition<R extends ValueRule = ValueRule, M extends object = object> extends ConditionOf<R> {
  watches: 'sequence'
  memory: MemoryOf<M>
  /** Made once for each series and rule. */
  recall(rule: R, scaling: Scaling): Recall<M>
}

/** Judged at a tick, where one of several channels of the subject has a new value; `channel` of the rule names what it makes. */
export interface ScoreCondition<R extends ValueRule = ValueRule> extends ConditionOf<R> {
  watches: 'subject'
  channels(rule: R): string[]
  /** How long a value counts after its own time. */
  validMs(rule: R): number
  /** @param known undefined: not known. */
  score(rule: R, known: (channel: string) => number | string | undefined): Score
}

export interface Score {
  points: number
  /** Channels that are not known: the points are then the least that they can be. */
  missing: string[]
  outcome: Outcome
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
  /** Its alarms say that the measurement is wrong, and nothing of what is measured. */
  isTechnical?: boolean
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
  /** What of several samples was compared with the limits, in the channel's unit. */
  measured?(): number | undefined
  /** What is to be said beside it; `{reason}` in the text. */
  remark?(): string | undefined
}

/** One rule at one series, with what it keeps. */
export interface Recall<M extends object = object> {
  /** A good sample of a number, later than all before it. Changes `memory` in place. */
  take(memory: M, t: number, raw: number): Outcome
  /** The same of a text; where there is none, texts are not judged. */
  takeText?(memory: M, t: number, text: string): Outcome
  /** What was compared with the limits, in the channel's unit. */
  measured?(memory: M): number | undefined
  /** What is to be said beside it. */
  remark?(memory: M): string | undefined
}
