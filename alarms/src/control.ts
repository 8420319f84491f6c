/** Orders of people, which act by way of the log: acknowledgements and new rule files. */
import { isDeepStrictEqual } from 'node:util'
import type { AlarmRecord, Control } from '@millrace/contract'
import { clear, noted } from './change.ts'
import { newLane } from './engine.ts'
import { eachLane, eachSlot } from './list.ts'
import { isFor, type LanePlan, type Plan, renewPlan, type Slot, setProgress } from './plan.ts'
import { type RuleFile, ruleFileSchema } from './rule-file.ts'

export function takeControl(plan: Plan, control: Control, atMs: number): void {
  if (control.type === 'acknowledge') acknowledge(plan, control, atMs)
  if (control.type === 'rules') replaceRules(plan, control.rules, atMs)
}

/** An active alarm stays active until it clears; one that has cleared is done with. */
function acknowledge(plan: Plan, order: Extract<Control, { type: 'acknowledge' }>, atMs: number): void {
  const place = findAlarm(plan, order.alarm)
  if (!place || place.alarm.acknowledged) {
    plan.state.counts.unknownAcknowledged++
    return
  }
  const alarm: AlarmRecord = {
    ...place.alarm,
    change: 'acknowledged',
    acknowledged: true,
    atMs,
    acknowledgedMs: atMs,
    by: order.by,
    ...noted(place.alarm.note, order.note),
  }
  place.put(alarm)
  plan.out.push({ alarm, evidenceMs: atMs, order: -1 })
}

interface Place {
  alarm: AlarmRecord
  put(alarm: AlarmRecord): void
}

function findAlarm(plan: Plan, id: string): Place | undefined {
  const { state } = plan
  for (const { progress } of eachSlot(plan)) {
    const { alarm } = progress ?? {}
    if (alarm?.id === id) return { alarm, put: (changed) => Object.assign(progress!, { alarm: changed }) }
  }
  for (const clock of state.clocks) {
    if (clock.gap?.id === id) return { alarm: clock.gap, put: (changed) => Object.assign(clock, { gap: changed }) }
  }
  for (const warning of state.warnings ?? []) {
    if (warning.alarm.id === id) return { alarm: warning.alarm, put: (changed) => Object.assign(warning, { alarm: changed }) }
  }
  for (const gateway of state.gateways ?? []) {
    if (gateway.alarm?.id === id) return { alarm: gateway.alarm, put: (changed) => Object.assign(gateway, { alarm: changed }) }
  }
  if (state.full?.id === id) return { alarm: state.full, put: (changed) => Object.assign(state, { full: changed }) }
  const index = state.ended.findIndex((alarm) => alarm.id === id)
  return index < 0 ? undefined : { alarm: state.ended[index]!, put: () => void state.ended.splice(index, 1) }
}

/** An invalid file is counted, and the previous rules stay in force: the sender checked the file with the same schema. */
function replaceRules(plan: Plan, raw: unknown, atMs: number): void {
  const parsed = ruleFileSchema.safeParse(raw)
  if (!parsed.success) {
    plan.state.counts.badRules++
    return
  }
  for (const slot of [...eachSlot(plan)]) if (slot.progress) endIfGone(plan, slot, parsed.data, atMs)
  const before = new Set(watchedSeries(plan))
  plan.state.file = parsed.data
  plan.state.sinceMs = atMs
  // What nobody watched has a live lane that stood still: it must not look like silence to a new rule.
  for (const { device, series } of everySeries(plan)) {
    if (before.has(series)) continue
    series.live = newLane(device.subject)
    delete series.late
  }
  renewPlan(plan)
  for (const lane of eachLane(plan)) keepMemories(lane)
}

/** Those of rules that are gone, or have other keys, are over. */
function keepMemories({ state, recalls = [] }: LanePlan): void {
  const kept = state.memory?.filter((one) => recalls.some(({ stored }) => stored === one)) ?? []
  if (kept.length > 0) state.memory = kept
  else delete state.memory
}

/** A rule keeps its alarm when it is still about the same; a delay that runs counts for the same limits only. */
function endIfGone(plan: Plan, slot: Slot, file: RuleFile, atMs: number): void {
  const former = plan.state.file.rules[slot.order]!
  const rule = file.rules.find(({ name }) => name === former.name)
  const progress = slot.progress!
  const isKept =
    rule?.channel === former.channel && rule.condition === former.condition && isFor(rule, slot.lane.series.device.device)
  if (progress.alarm && !isKept)
    clear(plan, slot, { atMs, evidenceMs: atMs, note: rule ? 'the rule was changed' : 'the rule was removed' })
  else if (!progress.alarm && (!isKept || !isDeepStrictEqual(rule, former))) setProgress(plan, slot, undefined)
  else if (progress.alarm && !isDeepStrictEqual(rule, former)) delete progress.sinceMs
}

function* everySeries(plan: Plan) {
  for (const device of plan.state.devices) for (const series of device.series) yield { device, series }
}

function* watchedSeries(plan: Plan) {
  for (const { series } of plan.devices.values()) for (const one of series.values()) if (one.isWatched) yield one.state
}
