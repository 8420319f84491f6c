/**
 * The rule engine over a timeline, with a rule file of its own. Orders of people act as they did; of rule files that the log
 * announces only the same one does, at the same place, so that with the rules that were in force the same changes come. What gateways
 * made by their rules counts only while those were in force.
 */
import { isDeepStrictEqual } from 'node:util'
import { createEngine, type EngineState, type RuleFile, ruleFileSchema, step } from '@millrace/alarms'
import { isOwnAlarm } from '@millrace/cloud-processor/rules'
import type { LimitView } from '@millrace/cloud-processor/web'
import type { AlarmRecord, TimelineRecord } from '@millrace/contract'
import { Episodes } from './episodes.ts'
import type { Arrival } from './timeline.ts'

export class Run {
  readonly file: RuleFile
  readonly episodes = new Episodes()
  private readonly engines = new Map<number, EngineState>()
  /** Set before the log that is read begins, and counting still: each engine has them from its first tick on. */
  limits: LimitView[] = []
  private isInForce = false
  private readonly onChange: ((alarm: AlarmRecord) => void) | undefined

  constructor(file: RuleFile, onChange?: (alarm: AlarmRecord) => void) {
    this.file = file
    this.onChange = onChange
  }

  take({ partition, record, source, nowMs, isBefore }: Arrival): void {
    if (!this.acts(record)) return
    const engine = this.engineOf(partition)
    if (nowMs !== undefined && this.limits.length > 0 && engine.clocks.length === 0) this.setLimits(engine, nowMs)
    for (const alarm of step(engine, record, source)) {
      if (!isOwnAlarm(engine, alarm)) continue
      this.episodes.take(alarm, { nowMs: nowMs ?? alarm.atMs, isBefore })
      if (!isBefore) this.onChange?.(alarm)
    }
  }

  private engineOf(partition: number): EngineState {
    const known = this.engines.get(partition)
    if (known) return known
    const made = { ...createEngine(this.file), partition }
    this.engines.set(partition, made)
    return made
  }

  private setLimits(engine: EngineState, nowMs: number): void {
    for (const { atMs, ...limit } of this.limits)
      if (atMs < nowMs) step(engine, { f: 1, k: 'control', control: { type: 'limit', ...limit }, atMs })
  }

  private acts(record: TimelineRecord): boolean {
    if (record.k === 'edge-alarm') return this.isInForce
    if (record.k !== 'control' || record.control.type !== 'rules') return true
    const announced = ruleFileSchema.safeParse(record.control.rules)
    this.isInForce = announced.success && isDeepStrictEqual(announced.data, this.file)
    return this.isInForce
  }
}
