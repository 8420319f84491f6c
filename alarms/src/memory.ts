/** A rule whose condition has a memory, at one lane: the memory is found in the lane's state, or put there by the first sample. */

import type { Recall, Score } from './conditions/condition.ts'
import type { Judge, MemoryCondition } from './conditions/index.ts'
import { memoryName, type Outcome, type StoredMemory } from './conditions/memory.ts'
import type { Scaling } from './conditions/scaling.ts'
import { type LaneState, never } from './engine.ts'
import type { ValueRule } from './rule.ts'

type Remembering = Pick<MemoryCondition, 'memory' | 'recall'>

export class MemoryJudge implements Judge {
  readonly stored: StoredMemory
  readonly rule: ValueRule
  readonly setsText?: () => boolean
  private readonly recall: Recall
  private isKept: boolean

  constructor(condition: Remembering, rule: ValueRule, lane: LaneState, scaling: Scaling) {
    const of = memoryName(rule, condition.memory)
    const known = lane.memory?.find((one) => one.rule === rule.name && one.of === of)
    this.rule = rule
    this.recall = condition.recall(rule, scaling)
    this.isKept = known !== undefined
    this.stored = known ?? { rule: rule.name, of, outcome: 'keeps', kept: condition.memory.empty() }
    if (this.recall.takeText) this.setsText = () => this.sets()
  }

  take(lane: LaneState, t: number, raw: number): void {
    this.keep(lane)
    this.stored.outcome = this.recall.take(this.stored.kept, t, raw)
  }

  takeText(lane: LaneState, t: number, text: string): void {
    if (!this.recall.takeText) return
    this.keep(lane)
    this.stored.outcome = this.recall.takeText(this.stored.kept, t, text)
  }

  sets(): boolean {
    return this.stored.outcome === 'sets'
  }

  clears(): boolean {
    return this.stored.outcome === 'clears'
  }

  measured(): number | undefined {
    return this.recall.measured?.(this.stored.kept)
  }

  remark(): string | undefined {
    return this.recall.remark?.(this.stored.kept)
  }

  /** One that the rule had before, with other keys, is over. */
  private keep(lane: LaneState): void {
    if (this.isKept) return
    this.isKept = true
    lane.memory = [...(lane.memory ?? []).filter(({ rule }) => rule !== this.stored.rule), this.stored]
  }
}

/** What a channel keeps for a score: its newest value. */
export interface Latest {
  t: number
  raw: number | string
  /** Samples so far. */
  seen: number
}

export const latestOf = {
  memory: { version: 1, keys: [], empty: (): Latest => ({ t: never, raw: 0, seen: 0 }) },
  recall: () => ({ take: keepLatest, takeText: keepLatest }),
} as unknown as Remembering

function keepLatest(memory: Latest, t: number, raw: number | string): Outcome {
  memory.t = t
  memory.raw = typeof raw === 'string' ? raw.slice(0, textMax) : raw
  memory.seen++
  return 'keeps'
}

const textMax = 200

/** No rule can have it. */
const newestName = ' newest'

/** Keeps the newest reading of a lane for which people set limits: by it the limits that count afterwards are judged (limits.ts). */
export function newestJudge(lane: { state: LaneState; wantsGood: boolean; series: { state: Scaling } }): MemoryJudge {
  const rule = { name: newestName, condition: newestName, ...(lane.wantsGood ? { minQuality: 'good' } : {}) }
  return new MemoryJudge(latestOf, rule as unknown as ValueRule, lane.state, lane.series.state)
}

export function newestOf({ memory }: LaneState): Latest | undefined {
  return memory?.find(({ rule }) => rule === newestName)?.kept as Latest | undefined
}

/** What the score itself keeps: put here before it is taken as a sample. */
export interface Scored extends Score {
  /** Samples of its channels so far. */
  seen: number
}

export const scoreOf = {
  memory: { version: 1, keys: [], empty: (): Scored => ({ points: 0, missing: [], outcome: 'keeps', seen: 0 }) },
  recall: () => ({
    take: ({ outcome }: Scored) => outcome,
    remark: ({ missing, points }: Scored) =>
      missing.length === 0 ? undefined : `incomplete, at least ${points}: no ${missing.join(', no ')}`,
  }),
} as unknown as Remembering
