/** Where in the state an alarm is, to be changed there. */
import type { AlarmRecord } from '@millrace/contract'
import type { Progress } from './engine.ts'
import { eachSlot } from './list.ts'
import type { Plan } from './plan.ts'
import { putAlarm } from './progress.ts'

export interface Place {
  alarm: AlarmRecord
  put(alarm: AlarmRecord): void
}

/** Active alarms, and then those that ended and wait for their acknowledgement. */
export function* places(plan: Plan): Generator<Place> {
  const { state } = plan
  for (const { progress } of eachSlot(plan)) if (progress?.alarm) yield ofRule(progress, progress.alarm)
  for (const clock of state.clocks) if (clock.gap) yield of(clock, 'gap')
  for (const warning of state.warnings ?? []) yield of(warning, 'alarm')
  for (const gateway of state.gateways ?? []) if (gateway.alarm) yield of(gateway, 'alarm')
  if (state.full) yield of(state, 'full')
  for (const [index, alarm] of (state.unruled ?? []).entries())
    yield { alarm, put: (changed) => void state.unruled!.splice(index, 1, changed) }
  for (const [index, alarm] of state.ended.entries())
    yield { alarm, put: (changed) => void state.ended.splice(index, 1, ...(changed.acknowledged ? [] : [changed])) }
}

function ofRule(progress: Progress, alarm: AlarmRecord): Place {
  return { alarm, put: (changed) => putAlarm(progress, changed) }
}

function of<K extends string>(holder: { [key in K]?: AlarmRecord }, key: K): Place {
  return {
    alarm: holder[key]!,
    put: (changed) => {
      holder[key] = changed as never
    },
  }
}
