/**
 * Columns in. Each sample goes to one lane of its series:
 *
 *     later than the live lane's newest, and at most staleMs before the tick   live
 *     more than staleMs ahead of the tick and of its own arrival               ignored, counted: the clock is wrong
 *     the same, by the tick alone, for a minute after the clock was set back
 *     of a historical channel                                                  late
 *     anything else                                                            late; out of order there: ignored, counted
 *
 * Where no tick has come yet, the time of arrival is taken for it.
 */
import type { Column, ReadingsRecord } from '@millrace/contract'
import { gatewaySpoke } from './causes.ts'
import { never, newLane } from './engine.ts'
import { changeSubject, takeBad, takeGood, takeText, takeUncertain } from './lane.ts'
import { addLateLane, hasRule, type LanePlan, type Plan, type SeriesPlan } from './plan.ts'
import { clockOf, undeclaredSeries } from './series.ts'

export function takeReadings(plan: Plan, record: ReadingsRecord, partition: number): void {
  const { device, subject, receivedMs, channels } = record
  const { rules } = plan.state.file
  const clock = clockOf(plan, partition)
  const nowMs = clock?.tickMs ?? receivedMs
  const newestMs = nowMs < (clock?.stampsUntilMs ?? never) ? nowMs : Math.max(nowMs, receivedMs)
  const aheadMs = newestMs + plan.state.file.staleMs
  let spokeMs = Infinity
  for (const channel in channels) {
    const known = plan.devices.get(device)?.series.get(channel)
    if (known ? !known.isWatched || known.state.isDerived : !hasRule(rules, device, channel)) continue
    const isText = typeof channels[channel]!.v[0] === 'string'
    const series = known ?? undeclaredSeries(plan, { device, subject, partition, channel, isText, nowMs })
    if (series === undefined) continue
    series.device.partition = partition
    const { t } = series.live.state
    takeColumn(plan, series, channels[channel]!, { subject, nowMs, aheadMs })
    if (series.live.state.t > t && series.live.state.t < spokeMs) spokeMs = series.live.state.t
  }
  if (plan.state.gateways !== undefined && spokeMs < Infinity) gatewaySpoke(plan, device, spokeMs)
}

function takeColumn(
  plan: Plan,
  series: SeriesPlan,
  { t: times, v: values, q: qualities }: Column,
  { subject, nowMs, aheadMs }: { subject: string; nowMs: number; aheadMs: number },
): void {
  const { counts, file } = plan.state
  const oldestMs = nowMs - file.staleMs
  const live = series.live
  const { isHistorical = false } = series.state
  for (let i = 0; i < times.length; i++) {
    const t = times[i]!
    let lane = live
    if (t > aheadMs) {
      counts.ahead++
      continue
    }
    if (t < oldestMs || t <= live.state.t || isHistorical) {
      lane = series.late ?? addLateLane(plan, series, newLane(subject))
      if (t <= lane.state.t) {
        counts.disordered++
        continue
      }
      counts.late++
      lane.state.seenMs = nowMs
    }
    if (lane.state.subject !== subject) changeSubject(plan, lane, subject, t)
    // An uncertain value counts as it is unless a rule wants good ones, a bad one not at all.
    const quality = qualities?.[i]
    if (quality === 2) takeBad(plan, lane, t)
    else if (quality === 1 && lane.wantsGood) takeDoubtful(plan, lane, t, values[i]!)
    else takeValue(plan, lane, t, values[i]!)
  }
}

/** An uncertain text is a bad one for every rule of a lane in which one wants good ones. */
function takeDoubtful(plan: Plan, lane: LanePlan, t: number, value: number | string | boolean): void {
  const raw = Number(value)
  if (typeof value === 'string' || Number.isNaN(raw)) takeBad(plan, lane, t)
  else takeUncertain(plan, lane, t, raw)
}

/** Booleans are judged as 1 and 0; a text among numbers is bad. */
function takeValue(plan: Plan, lane: LanePlan, t: number, value: number | string | boolean): void {
  const raw = typeof value === 'boolean' ? Number(value) : value
  if (Number.isNaN(raw)) takeBad(plan, lane, t)
  else if (typeof raw === 'number') takeGood(plan, lane, t, raw)
  else if (lane.series.state.isText) takeText(plan, lane, t, raw)
  else takeBad(plan, lane, t)
}
