/**
 * Reminders of alarms that stay active: repeated to the receivers of a route, and escalated to others while nobody acknowledges. Each has
 * a key of its own, made from the alarm and its number alone, so that every process makes the same ones.
 */
import { isHeld } from '@millrace/alarms'
import type { AlarmRecord } from '@millrace/contract'
import type { Reason } from '../notifiers/notifier.ts'
import type { OpenAlarm } from './open-alarms.ts'
import type { CompiledRoute, Routes } from './routes.ts'

export interface Reminder {
  key: string
  reason: Reason
  alarm: AlarmRecord
  to: string[]
  route: CompiledRoute
}

/** Those that are due, whether or not they were made already; and `nextMs` of the alarm. @param firstMs when it was told first */
export function remindersOf(open: OpenAlarm, routes: Routes, firstMs: number, nowMs: number): Reminder[] {
  const { alarm } = open
  open.nextMs = Number.POSITIVE_INFINITY
  if (isHeld(alarm) || alarm.retrospective || alarm.unannounced) return []
  const later = (ms: number) => {
    open.nextMs = Math.min(open.nextMs!, ms)
  }
  return routes
    .of(alarm)
    .flatMap((route) => [
      ...repeatOf(alarm, route, nowMs - firstMs, (inMs) => later(firstMs + inMs)),
      ...escalationsOf(alarm, route, nowMs - firstMs, (inMs) => later(firstMs + inMs)),
    ])
}

/** After a time without anybody who sends it is repeated once. */
function repeatOf(alarm: AlarmRecord, route: CompiledRoute, ageMs: number, next: (inMs: number) => void): Reminder[] {
  const { repeatMs, to } = route
  if (repeatMs === undefined) return []
  const times = Math.floor(ageMs / repeatMs)
  next((times + 1) * repeatMs)
  return times < 1 ? [] : [{ key: `${alarm.id}#repeated@${times}`, reason: 'repeated', alarm, to, route }]
}

function escalationsOf(alarm: AlarmRecord, route: CompiledRoute, ageMs: number, next: (inMs: number) => void): Reminder[] {
  if (alarm.acknowledged) return []
  return route.escalate.flatMap(({ afterMs, to }, index): Reminder[] => {
    if (ageMs >= afterMs) return [{ key: `${alarm.id}#escalated@${route.id}.${index}`, reason: 'escalated', alarm, to, route }]
    next(afterMs)
    return []
  })
}
