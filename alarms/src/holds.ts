/**
 * What people hold back: (rule, device, channel) that are shelved or out of service, whichever alarms they have. The start and the end
 * of each are records: one of the hold itself, whose id ends in `/s`, and one of the alarm that it finds active. The end of a
 * timed one is a tick of the raw partition that the device is in.
 */
import type { AlarmRecord, Control } from '@millrace/contract'
import { type EngineState, type HoldState, holdsMax } from './engine.ts'
import { isHeld, transition } from './life-cycle.ts'
import { silencedBy } from './matching.ts'
import { type Place, places } from './places.ts'
import type { Plan } from './plan.ts'
import { ownRules } from './rule.ts'

export type HoldOrder = Extract<Control, { type: 'shelve' | 'unshelve' | 'out-of-service' | 'in-service' }>
type Of = Pick<AlarmRecord, 'rule' | 'device' | 'channel'>
export type Why = { atMs: number; actor?: string | undefined; reason?: string | undefined }

const shelveMsMaxDefault = 8 * 3_600_000

// ---- orders --------------------------------------------------------------------------------------------------------

export function takeHold(plan: Plan, order: HoldOrder, atMs: number): void {
  const { state } = plan
  const why = { atMs, actor: order.by, reason: order.reason }
  const isShelving = order.type === 'shelve' || order.type === 'unshelve'
  const known = holdOf(state, order, isShelving ? 'shelved' : 'out-of-service')
  const next = isShelving ? shelvingAfter(known, order) : transition('service', known ? 'out' : 'in', serviceEvents[order.type])
  if (!next || isRefused(plan, order, atMs)) {
    state.counts.refusedOrders = (state.counts.refusedOrders ?? 0) + 1
    return
  }
  if (order.type === 'unshelve' || order.type === 'in-service') return release(plan, known!, why)
  hold(plan, order, known, why)
}

const serviceEvents = { 'out-of-service': 'remove', 'in-service': 'return' } as const

function shelvingAfter(known: HoldState | undefined, { type, ...order }: HoldOrder) {
  const isTimed = 'untilMs' in order && order.untilMs !== undefined
  return transition('shelving', shelvingOf(known), type === 'unshelve' ? 'unshelve' : isTimed ? 'timed' : 'once')
}

function shelvingOf(known: HoldState | undefined): string {
  return known ? (known.once ? 'once' : 'timed') : 'none'
}

/** What is high is held back with a reason, or not at all. */
function isRefused(plan: Plan, order: HoldOrder, atMs: number): boolean {
  if (order.type === 'unshelve' || order.type === 'in-service') return false
  const priority = priorityOf(plan, order)
  const isOver = order.type === 'shelve' && order.untilMs !== undefined && order.untilMs <= atMs
  const isFull = (plan.state.holds?.length ?? 0) >= holdsMax
  return priority === undefined || (priority === 'high' && !order.reason?.trim()) || isOver || isFull
}

/** Undefined where there is no such rule. */
function priorityOf({ state }: Plan, { rule: name }: Of): AlarmRecord['priority'] | undefined {
  const isOwn = Object.values<string>(ownRules).includes(name)
  return state.file.rules.find((rule) => rule.name === name)?.priority ?? (isOwn ? 'high' : undefined)
}

function hold(plan: Plan, order: HoldOrder, known: HoldState | undefined, why: Why): void {
  const { rule, device, channel, by, reason } = order
  const kind = order.type === 'shelve' ? 'shelved' : 'out-of-service'
  const { atMs } = why
  const id = known?.id ?? `${rule}/${device}/${channel}/${atMs}/${kind === 'shelved' ? 's' : 'o'}`
  const made: HoldState = { id, kind, rule, device, channel, by, atMs, ...(reason ? { reason } : {}) }
  if (order.type === 'shelve') {
    const endMs = atMs + (plan.state.file.shelveMsMax ?? shelveMsMaxDefault)
    made.untilMs = Math.min(order.untilMs ?? endMs, endMs)
    if (order.untilMs === undefined) made.once = true
  }
  plan.state.holds = [...(plan.state.holds ?? []).filter((one) => one !== known), made]
  tell(plan, made, { ...why, change: kind })
  for (const { alarm, put } of activeOf(plan, made)) {
    const changed = { ...unsaid(alarm), change: kind, ...fieldsOf(plan.state, made), ...saidBy(why) } as AlarmRecord
    put(changed)
    plan.out.push({ alarm: changed, evidenceMs: atMs, order: -1 })
  }
}

// ---- ends ----------------------------------------------------------------------------------------------------------

/** Time is over, by a tick of the device's raw partition. A device that nobody knows goes by any tick. */
export function expireHolds(plan: Plan, atMs: number, partition: number): void {
  for (const one of plan.state.holds ?? []) {
    const own = plan.devices.get(one.device)?.state.partition ?? partition
    if (one.untilMs !== undefined && one.untilMs <= atMs && own === partition)
      release(plan, one, { atMs: one.untilMs, reason: 'its time is over' }, atMs)
  }
}

/** An alarm has cleared: what was shelved until then is back. */
export function endOnce(plan: Plan, { retrospective, ...of }: AlarmRecord, evidenceMs: number): void {
  if (plan.state.holds === undefined || retrospective) return
  const known = holdOf(plan.state, of, 'shelved')
  if (known?.once) release(plan, known, { atMs: of.atMs, reason: 'it cleared' }, evidenceMs)
}

/** Rules that are gone hold nothing back. */
export function endHoldsOfGone(plan: Plan, atMs: number): void {
  for (const one of plan.state.holds ?? [])
    if (priorityOf(plan, one) === undefined) release(plan, one, { atMs, reason: 'the rule was removed' })
}

function release(plan: Plan, known: HoldState, why: Why, evidenceMs = why.atMs): void {
  const { state } = plan
  const others = state.holds!.filter((one) => one !== known)
  if (others.length > 0) state.holds = others
  else delete state.holds
  const change = known.kind === 'shelved' ? 'unshelved' : 'in-service'
  tell(plan, known, { ...why, change, evidenceMs })
  for (const { alarm, put } of activeOf(plan, known)) {
    const { shelved, outOfService, ...rest } = unsaid(alarm)
    const left = known.kind === 'shelved' ? { outOfService } : { shelved }
    const atMs = Math.max(why.atMs, alarm.raisedMs)
    const changed = { ...rest, ...defined(left), change, atMs, ...saidBy(why) } as AlarmRecord
    put(changed)
    plan.out.push({ alarm: changed, evidenceMs, order: -1 })
    announce(plan, { alarm: changed, put }, evidenceMs)
  }
}

/** For people it begins now. */
export function announce(plan: Plan, { alarm, put }: Place, evidenceMs: number): void {
  if (!alarm.unannounced || alarm.acknowledged || isHeld(alarm)) return
  const { unannounced: _, ...rest } = unsaid(alarm)
  const raised: AlarmRecord = { ...rest, change: 'raised' }
  put(raised)
  plan.out.push({ alarm: raised, evidenceMs, order: -1 })
}

// ---- alarms that are held ------------------------------------------------------------------------------------------

/** A new alarm as it begins where something may hold it. */
export function withHolds(state: EngineState, alarm: AlarmRecord): AlarmRecord {
  if ((state.holds === undefined && state.silences === undefined) || alarm.retrospective) return alarm
  const fields = { ...fieldsOf(state, alarm), ...silencedBy(state, alarm) }
  if (!isHeld(fields)) return alarm
  const change = alarm.cause !== undefined ? 'suppressed' : heldChange(fields)
  return { ...alarm, ...fields, change, unannounced: true }
}

function heldChange({ outOfService, shelved }: Pick<AlarmRecord, 'shelved' | 'outOfService'>): AlarmRecord['change'] {
  if (outOfService) return 'out-of-service'
  return shelved ? 'shelved' : 'silenced'
}

function fieldsOf(state: EngineState, of: Of): Pick<AlarmRecord, 'shelved' | 'outOfService'> {
  const shelf = holdOf(state, of, 'shelved')
  const shelved = shelf && { untilMs: shelf.untilMs!, ...(shelf.once ? { once: true as const } : {}) }
  return defined({ shelved, outOfService: holdOf(state, of, 'out-of-service') && (true as const) })
}

function holdOf({ holds }: EngineState, { rule, device, channel }: Of, kind: HoldState['kind']): HoldState | undefined {
  return holds?.find((one) => one.kind === kind && one.rule === rule && one.device === device && one.channel === channel)
}

function activeOf(plan: Plan, { rule, device, channel }: Of) {
  const isIt = ({ alarm }: { alarm: AlarmRecord }) =>
    alarm.active && !alarm.retrospective && alarm.rule === rule && alarm.device === device && alarm.channel === channel
  return [...places(plan)].filter(isIt)
}

/** What a former change said of itself. */
export function unsaid({ actor: _, reason: __, ...alarm }: AlarmRecord): Omit<AlarmRecord, 'actor' | 'reason'> {
  return alarm
}

export function saidBy({ actor, reason }: Pick<Why, 'actor' | 'reason'>): Pick<AlarmRecord, 'actor' | 'reason'> {
  return defined({ actor, reason: reason || undefined })
}

function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

/** The record of the hold itself: of the engine that knows the device, so that one tells it. */
function tell(
  plan: Plan,
  one: HoldState,
  { change, evidenceMs, ...why }: Why & { change: AlarmRecord['change']; evidenceMs?: number },
): void {
  const { id, rule, device, channel } = one
  const known = plan.devices.get(device)?.state
  if (!known && device !== 'millrace') return
  const isOver = change === 'unshelved' || change === 'in-service'
  const alarm: AlarmRecord = {
    ...({ f: 1, k: 'alarm' } as const),
    ...{ id, rule, subject: known?.subject ?? 'millrace', device, channel, change },
    priority: priorityOf(plan, one) ?? 'low',
    ...{ active: false, acknowledged: true, retrospective: false, technical: false, unannounced: true as const },
    ...{ atMs: why.atMs, raisedMs: one.atMs, ...(isOver ? { clearedMs: why.atMs } : fieldsOf(plan.state, one)) },
    ...saidBy(why),
    text: textOf(one),
  }
  plan.out.push({ alarm, evidenceMs: evidenceMs ?? why.atMs, order: -2 })
}

function textOf({ kind, rule, channel, untilMs = 0, once }: HoldState): string {
  const what = `${rule} of ${channel}`
  if (kind !== 'shelved') return `${what} out of service`
  const until = `until ${new Date(untilMs).toISOString()}`
  return `${what} shelved ${once ? `until it clears, at most ${until}` : until}`
}
