/** What is open now. */
import type { AlarmRecord } from '@millrace/contract'
import type { EngineState } from './engine.ts'
import { type LanePlan, type Plan, planOf, type Slot } from './plan.ts'

/** Active alarms, and cleared ones that nobody has acknowledged yet. */
export function activeAlarms(state: EngineState): AlarmRecord[] {
  const warnings = (state.warnings ?? []).map(({ alarm }) => alarm)
  const links = (state.gateways ?? []).map(({ alarm }) => alarm)
  const own = [...state.clocks.map((clock) => clock.gap), state.full, ...warnings, ...links, ...(state.unruled ?? [])].filter(
    (alarm) => alarm !== undefined,
  )
  const ruled = [...eachSlot(planOf(state))].flatMap(({ progress }) => (progress?.alarm ? [progress.alarm] : []))
  return [...own, ...ruled, ...state.ended]
}

export function* eachSlot(plan: Plan): Generator<Slot> {
  for (const lane of eachLane(plan)) {
    yield* lane.values
    yield* lane.silences
  }
}

export function* eachLane(plan: Plan): Generator<LanePlan> {
  for (const { series } of plan.devices.values()) {
    for (const { live, late } of series.values()) {
      yield live
      if (late) yield late
    }
  }
}
