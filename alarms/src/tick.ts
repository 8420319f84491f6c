/**
 * Ticks: the only clock there is. They raise what samples that paused left due, silence itself, and the end of late data.
 * A jump of more than `jumpMs` between two ticks means that nothing was received in between: delays freeze, and for
 * `graceMs` nothing is decided by ticks, because the missing data is on its way. Where the clock was set ahead instead, the
 * same happens without the alarm of a gap. A tick as far back means that it was set back: see set-back.ts.
 */

import type { TickRecord } from '@millrace/contract'
import { judgeSuppressed, raiseSilence } from './causes.ts'
import { clear, ended, finish, ownAlarm, raiseOwn } from './change.ts'
import { type ClockState, never } from './engine.ts'
import { expireHolds } from './holds.ts'
import { advance, freeze } from './lane.ts'
import { expireLimits } from './limits.ts'
import { isOutOfUse } from './out-of-use.ts'
import { type LanePlan, type Plan, type SilenceSlot, setProgress } from './plan.ts'
import { realarm } from './realarm.ts'
import { ownRules } from './rule.ts'
import { judgeScores } from './score.ts'
import { clockOf } from './series.ts'
import { setBack } from './set-back.ts'
import { expireSilences } from './silences.ts'
import { heardMs } from './spans.ts'

const jumpMs = 5000
/** Late data counts as over when none came for this long; an alarm that it left open is then closed in the record. */
const lateQuietMs = 60_000

export function takeTick(plan: Plan, { atMs, setMs = 0 }: TickRecord, partition: number): void {
  const clock = clockOf(plan, partition) ?? startClock(plan, partition, atMs)
  if (atMs < clock.tickMs - jumpMs) setBack(plan, clock, atMs)
  if (atMs < clock.tickMs) return
  if (atMs - clock.tickMs > jumpMs) holdDecisions(plan, clock, atMs, setMs)
  clock.tickMs = atMs
  if (plan.state.holds !== undefined) expireHolds(plan, atMs, partition)
  if (plan.state.silences !== undefined) expireSilences(plan, atMs)
  if (plan.state.limits !== undefined) expireLimits(plan, atMs)
  if (atMs < clock.holdUntilMs) return
  if (clock.gap) endHold(plan, clock, atMs)
  for (const lane of [...plan.busy]) if (lane.series.device.partition === partition) visit(plan, lane, atMs)
  for (const series of plan.watched) {
    if (series.device.partition !== partition) continue
    series.state.knownMs ??= atMs
    for (const slot of series.live.silences) {
      if (slot.progress?.alarm && slot.rule.realarmAfterMs !== undefined) realarm(plan, slot, atMs)
      if (slot.progress === undefined) {
        if (!isOutOfUse(series.device)) judgeSilence(plan, slot, atMs)
      } else if (slot.progress.alarm?.cause !== undefined) judgeSuppressed(plan, slot, atMs)
    }
  }
  judgeScores(plan, atMs, partition)
}

function startClock(plan: Plan, partition: number, atMs: number): ClockState {
  const clock = { partition, tickMs: atMs, holdUntilMs: atMs }
  plan.state.clocks.push(clock)
  return clock
}

function visit(plan: Plan, lane: LanePlan, atMs: number): void {
  if (!lane.isLate) {
    advance(plan, lane, atMs)
    for (const slot of lane.values) if (slot.rule.realarmAfterMs !== undefined) realarm(plan, slot, atMs)
  } else if (atMs - lane.state.seenMs! > lateQuietMs) closeLate(plan, lane, atMs)
}

function closeLate(plan: Plan, lane: LanePlan, atMs: number): void {
  for (const slot of lane.values) {
    if (slot.progress?.alarm) clear(plan, slot, { atMs: lane.state.t, evidenceMs: atMs, note: 'the late data ended here' })
    else if (slot.progress) setProgress(plan, slot, undefined)
  }
}

/** Silence counts from the last good sample's own time; without one from when the series, or the rule, was first known. */
function judgeSilence(plan: Plan, slot: SilenceSlot, atMs: number): void {
  const { series, state } = slot.lane
  const { sinceMs } = plan.state
  const heard = series.state.told === undefined ? -Infinity : heardMs(series.state, slot.rule.name)
  const fromMs = Math.max(state.good !== never ? state.good : Math.max(series.state.knownMs!, sinceMs), heard)
  const announced = state.absences.find(([, reason]) => reason !== 'ingest-gap')
  const silentMs = announced ? Math.max(announced[0], fromMs) + slot.announcedMs : Infinity
  const dueMs = Math.max(Math.min(fromMs + slot.delayOnMs, silentMs), sinceMs)
  if (dueMs <= atMs) raiseSilence(plan, slot, { atMs: dueMs, evidenceMs: atMs, note: state.absences.at(-1)?.[1] })
}

function holdDecisions(plan: Plan, clock: ClockState, atMs: number, setMs: number): void {
  const fromMs = clock.tickMs
  clock.holdUntilMs = atMs + plan.state.file.graceMs
  for (const lane of plan.busy) {
    if (lane.isLate || lane.series.device.partition !== clock.partition) continue
    freeze(lane, Math.max(fromMs, lane.state.t), 'ingest-gap')
  }
  if (clock.gap || atMs - fromMs - setMs <= jumpMs) return
  const text = `Nothing was taken in for ${Math.round((atMs - fromMs) / 1000)} s from ${new Date(fromMs).toISOString()}`
  clock.gap = raiseOwn(plan, ownAlarm(ownRules.ingestGap, `partition-${clock.partition}`, atMs, text))
}

function endHold(plan: Plan, clock: ClockState, atMs: number): void {
  const alarm = ended(clock.gap!, atMs)
  delete clock.gap
  finish(plan, alarm, { evidenceMs: atMs, order: -1 })
}
