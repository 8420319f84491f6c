/** Makes the records of alarm changes, and the words in them. */
import type { AlarmRecord } from '@millrace/contract'
import { scaledValue } from './conditions/scaling.ts'
import type { Facts } from './conditions/words.ts'
import { type EngineState, endedMax } from './engine.ts'
import { groupsFor } from './groups.ts'
import { endOnce, unsaid, withHolds } from './holds.ts'
import { type Plan, type Slot, setProgress } from './plan.ts'
import { endSpan, isTold } from './spans.ts'

/** What made an alarm begin or end. */
export interface Evidence {
  /** Event time of the change. */
  atMs: number
  /** Time of the sample, tick or order that decided it. */
  evidenceMs: number
  /** The value, unscaled. */
  raw?: number | string | undefined
  /** In words. */
  note?: string | undefined
}

export function raise(plan: Plan, slot: Slot, evidence: Evidence): void {
  if (slot.lane.series.state.told !== undefined && isTold(slot, evidence.atMs)) return
  begin(plan, slot, alarmOf(plan, slot, evidence), evidence.evidenceMs)
}

export function begin(plan: Plan, slot: Slot, made: AlarmRecord, evidenceMs: number): void {
  const alarm = withHolds(plan.state, made)
  setProgress(plan, slot, { rule: slot.rule.name, alarm })
  plan.out.push({ alarm, evidenceMs, order: slot.order })
}

export function alarmOf(plan: Plan, slot: Slot, { atMs, raw, note }: Evidence): AlarmRecord {
  const { lane, rule, condition } = slot
  const { series } = lane
  const device = series.device.device
  const value = typeof raw === 'number' ? scaledValue(raw, series.state) : raw
  const groups = groupsFor(plan.state.file, device, lane.state.subject)
  return {
    f: 1,
    k: 'alarm',
    id: `${rule.name}/${device}/${rule.channel}/${atMs}${lane.isLate ? '/r' : ''}`,
    rule: rule.name,
    subject: lane.state.subject,
    device,
    channel: rule.channel,
    priority: rule.priority,
    change: 'raised',
    active: true,
    acknowledged: false,
    retrospective: lane.isLate,
    technical: condition.watches === 'silence' || condition.isTechnical === true,
    atMs,
    raisedMs: atMs,
    ...(groups.length > 0 ? { groups } : {}),
    ...madeBy(value, series.state.unit),
    text: textOf(slot, value, note),
  }
}

/** Ends the alarm of a slot and puts the rule to rest. */
export function clear(plan: Plan, slot: Slot, { atMs, evidenceMs, raw, note }: Evidence): void {
  const { state } = slot.lane.series
  const { value: _, state: __, ...alarm } = ended(slot.progress!.alarm!, atMs, note)
  Object.assign(alarm, madeBy(typeof raw === 'number' ? scaledValue(raw, state) : raw, state.unit))
  setProgress(plan, slot, undefined)
  endSpan(state, alarm)
  finish(plan, alarm, { evidenceMs, order: slot.order })
}

/** It is over: told, and kept where somebody has still to acknowledge it. */
export function finish(plan: Plan, alarm: AlarmRecord, where: { evidenceMs: number; order: number }): void {
  remember(plan.state, alarm)
  plan.out.push({ alarm, ...where })
  endOnce(plan, alarm, where.evidenceMs)
}

/** What of a record says which value made the change. */
function madeBy(value: number | string | undefined, unit: string): Pick<AlarmRecord, 'value' | 'unit' | 'state'> {
  if (value === undefined) return {}
  return typeof value === 'number' ? { value, unit } : { state: value.slice(0, stateMax) }
}

/** Characters of a text that an alarm shows. */
const stateMax = 200

/** The record of an alarm's end. */
export function ended(alarm: AlarmRecord, atMs: number, note?: string): AlarmRecord {
  // Event time never runs backwards within one alarm.
  const clearedMs = Math.max(atMs, alarm.raisedMs)
  const { cause: _, shelved: __, outOfService: ___, silenced: ____, latched: _____, ...rest } = unsaid(alarm)
  return { ...rest, change: 'cleared', active: false, atMs: clearedMs, clearedMs, ...noted(alarm.note, note) }
}

/** Unacknowledged ended alarms that somebody was told of wait for their acknowledgement; at the bound a retrospective one goes first, then the oldest. */
function remember(state: EngineState, alarm: AlarmRecord): void {
  if (alarm.acknowledged || alarm.unannounced) return
  state.ended.push(alarm)
  if (state.ended.length <= endedMax) return
  const retrospective = state.ended.findIndex((one) => one.retrospective)
  state.ended.splice(retrospective >= 0 ? retrospective : oldestOfMost(state.ended), 1)
  state.counts.forgotten++
}

/** Where the oldest is of the device that has most: a flood pushes out its own. */
function oldestOfMost(ended: AlarmRecord[]): number {
  const counts = new Map<string, number>()
  for (const { device } of ended) counts.set(device, (counts.get(device) ?? 0) + 1)
  const most = Math.max(...counts.values())
  return ended.findIndex(({ device }) => counts.get(device) === most)
}

/** A second note follows the first. */
export function noted(note: string | undefined, more: string | undefined): { note?: string } {
  const all = [note, more].filter((one) => one !== undefined)
  return all.length === 0 ? {} : { note: all.join('; ').slice(0, 500) }
}

/** It begins, unless something holds it. */
export function raiseOwn(plan: Plan, made: AlarmRecord): AlarmRecord {
  const alarm = withHolds(plan.state, made)
  plan.out.push({ alarm, evidenceMs: alarm.atMs, order: -1 })
  return alarm
}

/** An alarm that the engine raises about itself, not by a rule of the file. */
export function ownAlarm(rule: string, channel: string, atMs: number, text: string): AlarmRecord {
  return {
    f: 1,
    k: 'alarm',
    id: `${rule}/millrace/${channel}/${atMs}`,
    rule,
    subject: 'millrace',
    device: 'millrace',
    channel,
    priority: 'high',
    change: 'raised',
    active: true,
    acknowledged: false,
    retrospective: false,
    technical: true,
    atMs,
    raisedMs: atMs,
    text,
  }
}

function textOf(slot: Slot, value: number | string | undefined, reason: string | undefined): string {
  const { rule, lane } = slot
  const facts = factsOf(slot, value, reason)
  if (rule.text === undefined) return slot.condition.text(rule as never, facts)
  const words: Record<string, string | number | undefined> = {
    rule: rule.name,
    device: lane.series.device.device,
    subject: lane.state.subject,
    ...facts,
  }
  return rule.text.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(words, name) ? `${words[name] ?? ''}` : whole))
}

function factsOf(slot: Slot, value: number | string | undefined, reason: string | undefined): Facts {
  const { rule, condition, lane, delayOnMs } = slot
  const { unit } = lane.series.state
  const judge = 'judge' in slot ? slot.judge : undefined
  const measured = judge?.measured?.()
  return {
    channel: rule.channel,
    value: typeof value === 'string' ? value.slice(0, stateMax) : value,
    unit: unit === '1' ? '' : unit,
    limit: condition.limit?.(rule as never, measured ?? (typeof value === 'string' ? undefined : value)),
    measured,
    seconds: delayOnMs / 1000,
    reason: reason ?? judge?.remark?.(),
  }
}
