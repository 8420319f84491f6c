/** Orders of people, which act by way of the log: acknowledgements and new rule files. */
import { isDeepStrictEqual } from 'node:util'
import type { AlarmRecord, Control } from '@millrace/contract'
import { clear, noted } from './change.ts'
import { newLane } from './engine.ts'
import { endHoldsOfGone, saidBy, takeHold, unsaid } from './holds.ts'
import { restart } from './lane.ts'
import { takeReset } from './latch.ts'
import { transition } from './life-cycle.ts'
import { endLimitsOfGone, keepMemories, takeLimit } from './limits.ts'
import { eachLane, eachSlot } from './list.ts'
import { takeRegistry } from './out-of-use.ts'
import { places } from './places.ts'
import { isFor, type Plan, renewPlan, type Slot } from './plan.ts'
import { type RuleFile, ruleFileSchema } from './rule-file.ts'
import { takeSilence } from './silences.ts'

export function takeControl(plan: Plan, control: Control, atMs: number): void {
  const { type } = control
  if (type === 'acknowledge' || type === 'comment') take(plan, control, atMs)
  else if (type === 'rules') replaceRules(plan, control.rules, atMs)
  else if (type === 'shelve' || type === 'unshelve' || type === 'out-of-service' || type === 'in-service')
    takeHold(plan, control, atMs)
  else if (type === 'reset') takeReset(plan, control, atMs)
  else if (type === 'registry') takeRegistry(plan, control, atMs)
  else if (type === 'silence' || type === 'end-silence') takeSilence(plan, control, atMs)
  else if (type === 'limit' || type === 'end-limit') takeLimit(plan, control, atMs)
}

/** An active alarm stays active until it clears; one that has cleared is done with. A comment changes no state. */
function take(plan: Plan, order: Extract<Control, { type: 'acknowledge' | 'comment' }>, atMs: number): void {
  const place = [...places(plan)].find(({ alarm }) => alarm.id === order.alarm)
  const next = place && transition('occurrence', occurrenceOf(place.alarm), order.type)
  if (!place || !next) {
    plan.state.counts.unknownAcknowledged++
    return
  }
  const said = { ...unsaid(place.alarm), change: next[1], ...saidBy({ actor: order.by, reason: order.note }) }
  const alarm: AlarmRecord = order.type === 'comment' ? { ...said, atMs } : { ...said, ...acknowledged(place.alarm, order, atMs) }
  place.put(alarm)
  plan.out.push({ alarm, evidenceMs: atMs, order: -1 })
}

function occurrenceOf({ active, acknowledged }: AlarmRecord): string {
  if (active) return acknowledged ? 'acknowledged' : 'active'
  return acknowledged ? 'none' : 'ended'
}

function acknowledged({ note }: AlarmRecord, order: { by: string; note?: string | undefined }, atMs: number) {
  return { acknowledged: true, atMs, acknowledgedMs: atMs, by: order.by, ...noted(note, order.note) }
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
  endLimitsOfGone(plan, atMs)
  renewPlan(plan)
  endHoldsOfGone(plan, atMs)
  for (const lane of eachLane(plan)) keepMemories(lane)
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
  else if (!isKept || !isDeepStrictEqual(rule, former)) restart(plan, slot)
}

function* everySeries(plan: Plan) {
  for (const device of plan.state.devices) for (const series of device.series) yield { device, series }
}

function* watchedSeries(plan: Plan) {
  for (const { series } of plan.devices.values()) for (const one of series.values()) if (one.isWatched) yield one.state
}
