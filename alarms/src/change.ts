/** Makes the records of alarm changes, and the words in them. */
import type { AlarmRecord } from '@millrace/contract'
import { type EngineState, endedMax } from './engine.ts'
import { scaledValue } from './limits.ts'
import { type Plan, type Slot, setProgress } from './plan.ts'
import type { Rule } from './rule-file.ts'

/** @param evidenceMs time of the sample, tick or order that decided it. */
export function raise(plan: Plan, slot: Slot, atMs: number, evidenceMs: number, raw?: number, reason?: string): void {
  const { lane, rule } = slot
  const { series } = lane
  const device = series.device.device
  const value = raw === undefined ? undefined : scaledValue(raw, series.state.scale, series.state.offset)
  const alarm: AlarmRecord = {
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
    technical: rule.condition === 'absent',
    atMs,
    raisedMs: atMs,
    ...(value === undefined ? {} : { value, unit: series.state.unit }),
    text: textOf(rule, slot, value, reason),
  }
  setProgress(plan, slot, { rule: rule.name, alarm })
  plan.out.push({ alarm, evidenceMs, order: slot.order })
}

/** Ends the alarm of a slot and puts the rule to rest. */
export function clear(plan: Plan, slot: Slot, atMs: number, evidenceMs: number, raw?: number, note?: string): void {
  const { scale, offset, unit } = slot.lane.series.state
  const { value: _, ...alarm } = ended(slot.progress!.alarm!, atMs, note) as AlarmRecord
  if (raw !== undefined) Object.assign(alarm, { value: scaledValue(raw, scale, offset), unit })
  setProgress(plan, slot, undefined)
  remember(plan.state, alarm)
  plan.out.push({ alarm, evidenceMs, order: slot.order })
}

/** The record of an alarm's end. */
export function ended(alarm: AlarmRecord, atMs: number, note?: string): AlarmRecord {
  // Event time never runs backwards within one alarm.
  const clearedMs = Math.max(atMs, alarm.raisedMs)
  return { ...alarm, change: 'cleared', active: false, atMs: clearedMs, clearedMs, ...noted(alarm.note, note) }
}

/** Unacknowledged ended alarms wait for their acknowledgement; at the bound a retrospective one goes first, then the oldest. */
export function remember(state: EngineState, alarm: AlarmRecord): void {
  if (alarm.acknowledged) return
  state.ended.push(alarm)
  if (state.ended.length <= endedMax) return
  const retrospective = state.ended.findIndex((one) => one.retrospective)
  state.ended.splice(Math.max(0, retrospective), 1)
  state.counts.forgotten++
}

/** A second note follows the first. */
export function noted(note: string | undefined, more: string | undefined): { note?: string } {
  const all = [note, more].filter((one) => one !== undefined)
  return all.length === 0 ? {} : { note: all.join('; ').slice(0, 500) }
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

function textOf(rule: Rule, slot: Slot, value: number | undefined, reason: string | undefined): string {
  const { series, state } = slot.lane
  const seconds = (rule.condition === 'absent' ? rule.afterMs : rule.delayOnMs) / 1000
  const because = reason === undefined ? '' : ` (${reason})`
  const unit = series.state.unit === '1' ? '' : series.state.unit
  const { word, limit } = crossed(rule, value)
  if (rule.text !== undefined) {
    const words: Record<string, string | number | undefined> = {
      rule: rule.name,
      device: series.device.device,
      subject: state.subject,
      channel: rule.channel,
      value,
      unit,
      limit,
      seconds,
      reason,
    }
    return rule.text.replace(/\{(\w+)\}/g, (whole, name) => (name in words ? `${words[name] ?? ''}` : whole))
  }
  if (rule.condition === 'absent') return `No ${rule.channel} for ${seconds} s${because}`
  const amount = (number: number | undefined) => `${number}${unit === '' ? '' : ` ${unit}`}`
  return `${rule.channel} ${amount(value)} ${word} ${amount(limit)}${seconds > 0 ? ` for ${seconds} s` : ''}`
}

function crossed(rule: Rule, value: number | undefined): { word?: 'below' | 'above'; limit?: number } {
  if (rule.condition === 'absent') return {}
  if (rule.condition !== 'outside') return { word: rule.condition, limit: rule.set }
  return value !== undefined && value > rule.high ? { word: 'above', limit: rule.high } : { word: 'below', limit: rule.low }
}
