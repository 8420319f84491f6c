/** An active alarm that nobody acknowledges is told again, `realarmAfterMs` after it was told last, by ticks. */
import { unsaid } from './holds.ts'
import { isHeld, transition } from './life-cycle.ts'
import type { Plan, Slot } from './plan.ts'
import { putAlarm } from './progress.ts'

/** After a time without ticks it is told once, at the newest time that was due. */
export function realarm(plan: Plan, slot: Slot, nowMs: number): void {
  const { progress, rule } = slot
  const alarm = progress?.alarm
  if (!alarm || isHeld(alarm) || alarm.unannounced) return
  const next = transition('occurrence', alarm.acknowledged ? 'acknowledged' : 'active', 'realarm')
  const { toldMs = alarm.raisedMs } = progress
  const times = Math.floor((nowMs - toldMs) / rule.realarmAfterMs!)
  if (!next || times < 1) return
  putAlarm(progress, { ...unsaid(alarm), change: next[1], atMs: toldMs + times * rule.realarmAfterMs! })
  plan.out.push({ alarm: progress.alarm!, evidenceMs: nowMs, order: slot.order })
}
