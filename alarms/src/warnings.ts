/** Events of the timeline that are alarms of the engine's own: what is wrong with clocks, told by `prepare`. */
import type { EventRecord } from '@millrace/contract'
import { causeIsOver, dependentsOf, suppressBehind } from './causes.ts'
import { ended, finish, ownAlarm, raiseOwn } from './change.ts'
import { warningsMax } from './engine.ts'
import type { Plan } from './plan.ts'
import { ownRules } from './rule.ts'

type Meaning = { rule: string; isRaised: boolean; channel?: string }

const meanings = new Map<string, Meaning>([
  ['CLOCK_JUMPED', { rule: ownRules.clockJump, isRaised: true, channel: 'processor' }],
  ['CLOCK_STEADY', { rule: ownRules.clockJump, isRaised: false, channel: 'processor' }],
  ['GATEWAY_CLOCK_CORRECTED', { rule: ownRules.gatewayClock, isRaised: false }],
  ['GATEWAY_CLOCK_OFF', { rule: ownRules.gatewayClock, isRaised: true }],
  ['GATEWAY_CLOCK_RIGHT', { rule: ownRules.gatewayClock, isRaised: false }],
  ['READINGS_OUT_OF_TIME', { rule: ownRules.outOfTime, isRaised: true, channel: 'processor' }],
  ['READINGS_IN_TIME', { rule: ownRules.outOfTime, isRaised: false, channel: 'processor' }],
])

/** Every raw partition tells of the processor's clock: the first one raises the alarm, the last one clears it. */
export function takeEvent(plan: Plan, event: EventRecord, partition: number): void {
  const meaning = meanings.get(event.code)
  if (!meaning) return
  const { rule, isRaised, channel = event.device } = meaning
  plan.state.warnings ??= []
  const { warnings } = plan.state
  const known = warnings.find(({ alarm }) => alarm.rule === rule && alarm.channel === channel)
  if (isRaised && known) {
    if (!known.partitions.includes(partition)) known.partitions.push(partition)
  } else if (isRaised && warnings.length < warningsMax) {
    const isGateway = rule === ownRules.gatewayClock
    const dependents = isGateway ? { dependents: dependentsOf(plan, channel) } : {}
    const alarm = raiseOwn(plan, { ...ownAlarm(rule, channel, event.atMs, event.text), ...dependents })
    warnings.push({ alarm, partitions: [partition] })
    if (isGateway) suppressBehind(plan, alarm, event.atMs)
  } else if (!isRaised && known) {
    known.partitions = known.partitions.filter((one) => one !== partition)
    if (known.partitions.length > 0) return
    warnings.splice(warnings.indexOf(known), 1)
    const alarm = ended(known.alarm, event.atMs)
    finish(plan, alarm, { evidenceMs: event.atMs, order: -1 })
    causeIsOver(plan, alarm.id, alarm.atMs)
  }
}
