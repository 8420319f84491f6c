/**
 * Limits that people set beside the rule file, for some devices, subjects or groups, until a time or until they are ended. They are
 * orders by way of the log: what holds is decided by the place of the order, and of the first tick at or after the end. Each engine has every
 * limit, and the one of partition 0 tells of it by a record of its own, whose id ends in `/l`; again once a day, so that it is not lost
 * where the log is trimmed.
 *
 * Where other limits hold for a lane from then on, a delay that runs begins again, and an active alarm stays until a reading clears it.
 * The newest reading, while it counts, is judged by them as if it had come then: it may raise, and clears nothing. Conditions that look at
 * what came before wait for their next reading.
 */
import { isDeepStrictEqual } from 'node:util'
import type { AlarmRecord, Control } from '@millrace/contract'
import { type EngineState, type LimitState, limitsMax } from './engine.ts'
import { saidBy, type Why } from './holds.ts'
import { restart } from './lane.ts'
import { transition } from './life-cycle.ts'
import { faultOfLimit, isLimitFor, limitText } from './limited.ts'
import { eachLane } from './list.ts'
import { newestOf } from './memory.ts'
import { type LanePlan, type Plan, renewSlots, setProgress, type ValueSlot } from './plan.ts'
import type { Rule } from './rule.ts'

type LimitOrder = Extract<Control, { type: 'limit' | 'end-limit' }>

const dayMs = 86_400_000

export function takeLimit(plan: Plan, order: LimitOrder, atMs: number): void {
  const { state } = plan
  const known = state.limits?.find(({ id }) => id === order.id)
  const next = transition('limit', known ? 'set' : 'none', order.type === 'limit' ? 'limit' : 'end')
  if (!next || isRefused(state, order, known, atMs)) {
    state.counts.refusedOrders = (state.counts.refusedOrders ?? 0) + 1
    return
  }
  if (order.type === 'end-limit') return end(plan, known!, { atMs, actor: order.by, reason: order.reason })
  const { type: _, ...given } = order
  const made: LimitState = { ...given, atMs, toldMs: atMs }
  put(plan, [...(state.limits ?? []).filter((one) => one !== known), made])
  tell(plan, made, { atMs, actor: order.by, reason: order.reason, change: 'limit-set' })
  renew(plan, known ? [known, made] : [made], atMs)
}

function isRefused(state: EngineState, order: LimitOrder, known: LimitState | undefined, atMs: number): boolean {
  if (order.type === 'end-limit') return false
  const isPast = order.untilMs !== undefined && order.untilMs <= atMs
  const isFull = !known && (state.limits?.length ?? 0) >= limitsMax
  return isPast || isFull || order.reason.trim() === '' || faultOfLimit(state.file, order) !== undefined
}

/** Time is over, by any tick: a limit is for devices of every partition. */
export function expireLimits(plan: Plan, atMs: number): void {
  for (const one of plan.state.limits ?? []) {
    if (one.untilMs !== undefined && one.untilMs <= atMs) end(plan, one, { atMs: one.untilMs, reason: 'its time is over' }, atMs)
    else if (atMs - one.toldMs >= dayMs) {
      one.toldMs = atMs
      tell(plan, one, { atMs, actor: one.by, reason: one.reason, change: 'limit-set' })
    }
  }
}

/** After new rules: those that mean nothing any more. The plan is derived again by the caller. */
export function endLimitsOfGone(plan: Plan, atMs: number): void {
  const { limits = [], file } = plan.state
  const gone = limits.filter((one) => faultOfLimit(file, one) !== undefined)
  if (gone.length === 0) return
  put(
    plan,
    limits.filter((one) => !gone.includes(one)),
  )
  for (const one of gone) tell(plan, one, { atMs, reason: 'the rule was removed or changed', change: 'limit-ended' })
}

function end(plan: Plan, known: LimitState, why: Why, evidenceMs = why.atMs): void {
  put(
    plan,
    plan.state.limits!.filter((one) => one !== known),
  )
  tell(plan, known, { ...why, change: 'limit-ended' }, evidenceMs)
  renew(plan, [known], why.atMs)
}

function put({ state }: Plan, limits: LimitState[]): void {
  if (limits.length > 0) state.limits = limits
  else delete state.limits
}

// ---- lanes ---------------------------------------------------------------------------------------------------------

/** @param changed what holds from now on, and what no longer does. */
function renew(plan: Plan, changed: LimitState[], atMs: number): void {
  for (const lane of eachLane(plan)) {
    const of = { device: lane.series.device.device, subject: lane.state.subject }
    if (changed.some((one) => hasRule(lane, one.rule) && isLimitFor(plan.state.file, one, of))) renewLane(plan, lane, atMs)
  }
}

const hasRule = ({ values, silences }: LanePlan, name: string) =>
  values.some(({ rule }) => rule.name === name) || silences.some(({ rule }) => rule.name === name)

function renewLane(plan: Plan, lane: LanePlan, atMs: number): void {
  const former = new Map(lane.values.map(({ rule }) => [rule.name, rule]))
  renewSlots(plan, lane)
  for (const slot of lane.values) {
    if (isSame(former.get(slot.rule.name), slot.rule)) continue
    restart(plan, slot)
    judgeNewest(plan, slot, atMs)
  }
  keepMemories(lane)
}

/** A rule whose overrides do not match has them yet; one that a limit or an override has changed has none. */
function isSame(former: Rule | undefined, rule: Rule): boolean {
  return isDeepStrictEqual({ ...former, overrides: [] }, { ...rule, overrides: [] })
}

/** A tick raises what is due, so that a reading on its way decides first. */
function judgeNewest(plan: Plan, slot: ValueSlot, atMs: number): void {
  const { lane, condition, judge } = slot
  const { state, isLate } = lane
  const newest = newestOf(state)
  if (newest === undefined || isLate || slot.progress || condition.watches !== 'values') return
  const { t, raw } = newest
  const sinceMs = Math.max(t, atMs)
  const isOld = t !== state.good || sinceMs > t + plan.state.file.staleMs || (state.absences[0]?.[0] ?? Infinity) <= sinceMs
  if (isOld) return
  const sets = typeof raw === 'number' ? judge.sets(raw) : judge.setsText?.(raw)
  if (sets) setProgress(plan, slot, { rule: slot.rule.name, sinceMs, raw })
}

/** Those of rules that are gone, or have other keys, are over. */
export function keepMemories({ state, recalls = [] }: LanePlan): void {
  const kept = state.memory?.filter((one) => recalls.some(({ stored }) => stored === one)) ?? []
  if (kept.length > 0) state.memory = kept
  else delete state.memory
}

// ---- records -------------------------------------------------------------------------------------------------------

type Told = Why & { change: 'limit-set' | 'limit-ended' }

function tell(plan: Plan, one: LimitState, { change, ...why }: Told, evidenceMs = why.atMs): void {
  const { state } = plan
  if ((state.partition ?? 0) !== 0) return
  const { id, rule, by: _, reason: __, atMs, toldMs: ___, ...limit } = one
  const known = state.file.rules.find(({ name }) => name === rule)
  const until = one.untilMs === undefined ? '' : ` until ${new Date(one.untilMs).toISOString()}`
  const alarm: AlarmRecord = {
    ...({ f: 1, k: 'alarm' } as const),
    ...{ id: `${id}/l`, rule, subject: 'millrace', device: '*', channel: known?.channel ?? '*', priority: 'low', change },
    ...{ active: false, acknowledged: true, retrospective: false, technical: false, unannounced: true as const },
    ...{ atMs: why.atMs, raisedMs: atMs, ...(change === 'limit-ended' ? { clearedMs: why.atMs } : {}), limit },
    ...saidBy(why),
    text: `${limitText(one)}${until}`,
  }
  plan.out.push({ alarm, evidenceMs, order: -2 })
}
