/** The alarm of a rule at work, and when people were told of it last. */
import type { AlarmRecord } from '@millrace/contract'
import type { Progress } from './engine.ts'
import { notificationKey } from './life-cycle.ts'

export function putAlarm(progress: Progress, alarm: AlarmRecord): void {
  progress.alarm = alarm
  if (notificationKey(alarm, false) !== undefined) progress.toldMs = alarm.atMs
}
