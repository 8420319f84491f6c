/** An alarm whose rule latches stays active when the value is back, until somebody resets it. */
import type { AlarmRecord, Control } from '@millrace/contract'
import { ended, finish } from './change.ts'
import { saidBy, unsaid } from './holds.ts'
import { transition } from './life-cycle.ts'
import { eachSlot } from './list.ts'
import { type Plan, type Slot, setProgress } from './plan.ts'
import { putAlarm } from './progress.ts'

/** The value is back, or beyond the limit again. */
export function latch(plan: Plan, slot: Slot, event: 'return' | 'beyond', t: number): void {
  const { latched, ...alarm } = slot.progress!.alarm!
  const next = transition('latch', latched ? 'latched' : 'open', event)
  if (!next) return
  const changed: AlarmRecord = { ...unsaid(alarm), ...(next[0] === 'latched' ? { latched: true } : {}), change: next[1], atMs: t }
  putAlarm(slot.progress!, changed)
  plan.out.push({ alarm: changed, evidenceMs: t, order: slot.order })
}

export function takeReset(plan: Plan, { alarm: id, by, reason }: Extract<Control, { type: 'reset' }>, atMs: number): void {
  const slot = [...eachSlot(plan)].find(({ progress }) => progress?.alarm?.id === id)
  const alarm = slot?.progress?.alarm
  if (!slot || !alarm || !transition('latch', alarm.latched ? 'latched' : 'open', 'reset')) {
    plan.state.counts.refusedOrders = (plan.state.counts.refusedOrders ?? 0) + 1
    return
  }
  setProgress(plan, slot, undefined)
  finish(plan, { ...ended(alarm, atMs), ...saidBy({ actor: by, reason }) }, { evidenceMs: atMs, order: slot.order })
}
