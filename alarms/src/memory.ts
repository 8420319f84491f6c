/** A rule whose condition has a memory, at one lane: the memory is found in the lane's state, or put there by the first sample. */

import type { Recall } from './conditions/condition.ts'
import type { Judge, MemoryCondition } from './conditions/index.ts'
import { memoryName, type StoredMemory } from './conditions/memory.ts'
import type { Scaling } from './conditions/scaling.ts'
import type { LaneState } from './engine.ts'
import type { ValueRule } from './rule.ts'

export class MemoryJudge implements Judge {
  readonly stored: StoredMemory
  readonly setsText?: () => boolean
  private readonly recall: Recall
  private isKept: boolean

  constructor(condition: MemoryCondition, rule: ValueRule, lane: LaneState, scaling: Scaling) {
    const of = memoryName(rule, condition.memory)
    const known = lane.memory?.find((one) => one.rule === rule.name && one.of === of)
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

  /** One that the rule had before, with other keys, is over. */
  private keep(lane: LaneState): void {
    if (this.isKept) return
    this.isKept = true
    lane.memory = [...(lane.memory ?? []).filter(({ rule }) => rule !== this.stored.rule), this.stored]
  }
}
