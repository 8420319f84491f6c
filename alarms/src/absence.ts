/** Announced absences: gaps on the timeline, and deaths. They freeze; they never clear an alarm on a value. */
import type { BirthRecord, GapTimelineRecord } from '@millrace/contract'
import { gatewayDied } from './causes.ts'
import { newLane } from './engine.ts'
import { freeze } from './lane.ts'
import { addLateLane, type Plan, type SeriesPlan } from './plan.ts'
import { clockOf } from './series.ts'

export function takeGap(plan: Plan, gap: GapTimelineRecord, partition: number): void {
  const nowMs = clockOf(plan, partition)?.tickMs
  const oldestMs = nowMs === undefined ? gap.fromMs : nowMs - plan.state.file.staleMs
  for (const series of plan.devices.get(gap.device)?.series.values() ?? []) {
    if (!series.isWatched || (gap.channel !== undefined && gap.channel !== series.state.channel)) continue
    const { t } = series.live.state
    const isPast = gap.toMs !== undefined && gap.toMs <= t
    // A gap that began before the live lane's newest sample and has no end was ended by that sample.
    if (!isPast && gap.fromMs >= t) freeze(series.live, gap.fromMs, gap.reason)
    else if (!isPast && gap.toMs !== undefined) freeze(series.live, t, gap.reason)
    if (gap.fromMs < t || gap.fromMs < oldestMs) freezeLate(plan, series, gap)
  }
}

/** A death is an absence of every channel. */
export function takeDeath(plan: Plan, death: BirthRecord): void {
  gatewayDied(plan, death)
  for (const series of plan.devices.get(death.device)?.series.values() ?? []) {
    // An absence that was announced before says better why.
    const isAnnounced = series.live.state.absences.some(([, reason]) => reason !== 'ingest-gap')
    if (series.isWatched && !isAnnounced) freeze(series.live, Math.max(death.atMs, series.live.state.t), death.reason)
  }
}

function freezeLate(plan: Plan, series: SeriesPlan, gap: GapTimelineRecord): void {
  const late = series.late ?? addLateLane(plan, series, newLane(gap.subject))
  if (gap.fromMs >= late.state.t) freeze(late, gap.fromMs, gap.reason)
}
