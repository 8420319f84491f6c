/**
 * `step(state, record) → alarm changes`: a pure function of what it is given. Live, after a restart, in a replay, at the
 * edge and in a backtest the same records give the same changes.
 */
import type { AlarmRecord, TimelineRecord } from '@millrace/contract'
import { takeDeath, takeGap } from './absence.ts'
import { takeBirth } from './causes.ts'
import { takeControl } from './control.ts'
import { takeEdgeAlarm } from './edge.ts'
import type { EngineState } from './engine.ts'
import { type Out, type Plan, planOf } from './plan.ts'
import { takeReadings } from './readings.ts'
import { takeDeclaration } from './series.ts'
import { takeTick } from './tick.ts'
import { takeEvent } from './warnings.ts'

/**
 * Changes `state` in place and returns what changed, in the order of the samples and ticks that decided it.
 * @param partition raw partition that the record came from; its ticks are the time of its devices.
 */
export function step(state: EngineState, record: TimelineRecord, partition = 0): AlarmRecord[] {
  const plan = planOf(state)
  take(plan, record, partition)
  if (plan.out.length === 0) return []
  const changes = plan.out.length === 1 ? plan.out : plan.out.sort(compareOuts)
  plan.out = []
  return changes.map(({ alarm }) => alarm)
}

function take(plan: Plan, record: TimelineRecord, partition: number): void {
  if (record.k === 'readings') takeReadings(plan, record, partition)
  else if (record.k === 'tick') takeTick(plan, record, partition)
  else if (record.k === 'gap') takeGap(plan, record, partition)
  else if (record.k === 'declaration') takeDeclaration(plan, record, partition)
  else if (record.k === 'event') takeEvent(plan, record, partition)
  else if (record.k === 'death') takeDeath(plan, record)
  else if (record.k === 'birth') takeBirth(plan, record)
  else if (record.k === 'edge-alarm') takeEdgeAlarm(plan, record, partition)
  else if (record.k === 'control') takeControl(plan, record.control, record.atMs)
}

/** Total for what one step can make, so that the order depends on no list's order; the sort is stable for the rest. */
function compareOuts(a: Out, b: Out): number {
  return (
    a.evidenceMs - b.evidenceMs ||
    compareText(a.alarm.device, b.alarm.device) ||
    a.order - b.order ||
    compareText(a.alarm.channel, b.alarm.channel) ||
    Number(a.alarm.retrospective) - Number(b.alarm.retrospective)
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
