/**
 * The clock was set back: what the state knows from the time that was taken away would be ahead of everything that comes, and
 * late would be all of it. So what is later than the new time is moved to it. Alarms keep the times that were told.
 */
import { type ClockState, never } from './engine.ts'
import { forget, type LanePlan, type Plan } from './plan.ts'

const stampsMs = 60_000

export function setBack(plan: Plan, clock: ClockState, atMs: number): void {
  const { state } = plan
  clock.tickMs = atMs
  // Data that was late by the previous time is still to come, so that nothing is absent because of the step.
  clock.holdUntilMs = atMs + state.file.graceMs
  clock.stampsUntilMs = atMs + stampsMs
  state.sinceMs = Math.min(state.sinceMs, atMs)
  for (const hold of state.holds ?? [])
    if (hold.untilMs !== undefined && hold.atMs > atMs) hold.untilMs = Math.min(hold.untilMs, atMs + hold.untilMs - hold.atMs)
  for (const one of state.silences ?? []) if (one.atMs > atMs) one.untilMs = Math.min(one.untilMs, atMs + one.untilMs - one.atMs)
  for (const one of state.limits ?? []) {
    if (one.untilMs !== undefined && one.atMs > atMs) one.untilMs = Math.min(one.untilMs, atMs + one.untilMs - one.atMs)
    one.toldMs = Math.min(one.toldMs, atMs)
  }
  for (const gateway of state.gateways ?? []) gateway.fromMs = Math.min(gateway.fromMs, atMs)
  for (const { state: device, series } of plan.devices.values()) {
    if (device.partition !== clock.partition) continue
    for (const { state: known, live, late } of series.values()) {
      if (known.knownMs !== undefined) known.knownMs = Math.min(known.knownMs, atMs)
      // What is older is late by the tick; of what was late anything may be the next one.
      setLaneBack(plan, live, atMs, atMs - state.file.staleMs)
      if (late) setLaneBack(plan, late, atMs, never)
    }
  }
}

/** @param beforeMs before the next sample that the lane may take. */
function setLaneBack(plan: Plan, planned: LanePlan, atMs: number, beforeMs: number): void {
  const lane = planned.state
  if (lane.t > atMs) {
    lane.t = beforeMs
    // Its times would not be before those of what comes.
    forget(plan, planned)
  }
  // Silence counts from now on.
  lane.good = Math.min(lane.good, atMs)
  if (lane.seenMs !== undefined) lane.seenMs = Math.min(lane.seenMs, atMs)
  for (const one of lane.progress) {
    if (one.sinceMs !== undefined) one.sinceMs = Math.min(one.sinceMs, atMs)
    if (one.toldMs !== undefined) one.toldMs = Math.min(one.toldMs, atMs)
    if (one.freeMs !== undefined) one.freeMs = Math.min(one.freeMs, atMs)
  }
  const later = lane.absences.findIndex(([fromMs]) => fromMs > atMs)
  if (later < 0) return
  const [, reason] = lane.absences[later]!
  lane.absences.splice(later, lane.absences.length, [atMs, reason])
}
