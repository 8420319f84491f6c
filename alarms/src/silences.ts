/**
 * Silences: alarms of which nobody is to be told until a time, by what matches them. Each engine has every silence, and the one of
 * partition 0 tells of it by a record of its own, whose id ends in `/m`. A silence ends by the first tick at or after its time.
 */
import type { AlarmRecord, Control } from '@millrace/contract'
import { type EngineState, type SilenceState, silencesMax } from './engine.ts'
import { announce, saidBy, unsaid, type Why } from './holds.ts'
import { transition } from './life-cycle.ts'
import { matchersText, silencedBy } from './matching.ts'
import { places } from './places.ts'
import type { Plan } from './plan.ts'

export type SilenceOrder = Extract<Control, { type: 'silence' | 'end-silence' }>

/** Longest time from the order on; the API refuses more. */
export const silenceMsMax = 31 * 86_400_000

export function takeSilence(plan: Plan, order: SilenceOrder, atMs: number): void {
  const { state } = plan
  const known = state.silences?.find(({ id }) => id === order.id)
  const next = transition('silence', known ? 'silenced' : 'none', order.type === 'silence' ? 'silence' : 'end')
  if (!next || isRefused(state, order, known, atMs)) {
    state.counts.refusedOrders = (state.counts.refusedOrders ?? 0) + 1
    return
  }
  if (order.type === 'end-silence') return end(plan, known!, { atMs, actor: order.by, reason: order.reason })
  const { id, matchers, by, reason } = order
  const made: SilenceState = { id, matchers, by, reason, atMs, untilMs: Math.min(order.untilMs, atMs + silenceMsMax) }
  state.silences = [...(state.silences ?? []).filter((one) => one !== known), made]
  const why = { atMs, actor: by, reason }
  tell(plan, made, { ...why, change: 'silenced' })
  judgeAll(plan, why, atMs)
}

function isRefused({ silences = [] }: EngineState, order: SilenceOrder, known: SilenceState | undefined, atMs: number): boolean {
  if (order.type === 'end-silence') return false
  return order.untilMs <= atMs || order.reason.trim() === '' || (!known && silences.length >= silencesMax)
}

/** Time is over, by any tick: a silence is for devices of every partition. */
export function expireSilences(plan: Plan, atMs: number): void {
  for (const one of plan.state.silences ?? [])
    if (one.untilMs <= atMs) end(plan, one, { atMs: one.untilMs, reason: 'its time is over' }, atMs)
}

function end(plan: Plan, known: SilenceState, why: Why, evidenceMs = why.atMs): void {
  const left = plan.state.silences!.filter((one) => one !== known)
  if (left.length > 0) plan.state.silences = left
  else delete plan.state.silences
  tell(plan, known, { ...why, change: 'unsilenced' }, evidenceMs)
  judgeAll(plan, why, evidenceMs)
}

/** Every active alarm is silenced or not as the silences of now say; what changes is a record. */
function judgeAll(plan: Plan, why: Why, evidenceMs: number): void {
  for (const { alarm, put } of [...places(plan)]) {
    if (!alarm.active || alarm.retrospective) continue
    const { silenced } = silencedBy(plan.state, alarm)
    if (silenced?.untilMs === alarm.silenced?.untilMs) continue
    const { silenced: _, ...rest } = unsaid(alarm)
    const atMs = Math.max(why.atMs, alarm.raisedMs)
    const change = silenced ? 'silenced' : 'unsilenced'
    const changed: AlarmRecord = { ...rest, ...(silenced ? { silenced } : {}), change, atMs, ...saidBy(why) }
    put(changed)
    plan.out.push({ alarm: changed, evidenceMs, order: -1 })
    if (!silenced) announce(plan, { alarm: changed, put }, evidenceMs)
  }
}

type Told = Why & { change: 'silenced' | 'unsilenced' }

function tell(plan: Plan, one: SilenceState, { change, ...why }: Told, evidenceMs = why.atMs): void {
  if ((plan.state.partition ?? 0) !== 0) return
  const { id, matchers, untilMs } = one
  const isOver = change === 'unsilenced'
  const alarm: AlarmRecord = {
    ...({ f: 1, k: 'alarm' } as const),
    ...{ id: `${id}/m`, rule: '*', subject: 'millrace', device: '*', channel: '*', priority: 'low', change, matchers },
    ...{ active: false, acknowledged: true, retrospective: false, technical: false, unannounced: true as const },
    ...{ atMs: why.atMs, raisedMs: one.atMs, ...(isOver ? { clearedMs: why.atMs } : { silenced: { untilMs } }) },
    ...saidBy(why),
    text: `${matchersText(matchers)} silenced until ${new Date(untilMs).toISOString()}`,
  }
  plan.out.push({ alarm, evidenceMs, order: -2 })
}
