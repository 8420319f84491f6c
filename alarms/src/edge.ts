/**
 * Alarms that the rules of a gateway made of the same readings, be it that the link was down. They come before the readings that they
 * were made of, and are *one* with what the rules here make:
 *
 *     the gateway says   here                      becomes
 *     raised             no alarm of this rule     raised, under the id that it has there
 *     raised             an alarm of this rule     that one, and it says that the gateway raised it too
 *     cleared            active                    cleared
 *
 * Where the gateway had an alarm is remembered (spans.ts), so that late readings, which come after it, make no second one. What no rule here is about is recorded, and told, as the gateway says.
 */
import type { AlarmRecord, EdgeAlarmRecord } from '@millrace/contract'
import { begin, ended, finish } from './change.ts'
import { withHolds } from './holds.ts'
import { hasRule, type Plan, type Slot, setProgress } from './plan.ts'
import { clockOf, undeclaredSeries } from './series.ts'
import { addSpan, setSpanEnd } from './spans.ts'

/** Alarms of rules that only gateways have. */
const unruledMax = 1000

export function takeEdgeAlarm(plan: Plan, record: EdgeAlarmRecord, partition: number): void {
  const slot = slotOf(plan, record, partition)
  const isRaised = record.alarm.change === 'raised'
  if (!slot) isRaised ? raiseUnruled(plan, record) : clearUnruled(plan, record)
  else isRaised ? raiseTold(plan, slot, record) : clearTold(plan, slot, record)
}

/** The alarm may come before the first reading of the series. */
function slotOf(plan: Plan, { device, subject, alarm }: EdgeAlarmRecord, partition: number): Slot | undefined {
  const { rule, channel, state } = alarm
  if (!hasRule(plan.state.file.rules, device, channel)) return undefined
  const nowMs = clockOf(plan, partition)?.tickMs
  const known = plan.devices.get(device)?.series.get(channel)
  const series = known ?? undeclaredSeries(plan, { device, subject, partition, channel, isText: state !== undefined, nowMs })
  return series && [...series.live.values, ...series.live.silences].find((slot) => slot.rule.name === rule)
}

function raiseTold(plan: Plan, slot: Slot, record: EdgeAlarmRecord): void {
  const { raisedMs, atMs } = record.alarm
  const { state } = slot.lane.series
  const known = slot.progress?.alarm
  const isNew = addSpan(state, slot.rule.name, raisedMs)
  if (known) slot.progress!.alarm = { ...known, edge: edgeOf(record) }
  else if (isNew && !plan.state.ended.some(({ id }) => id === idOf(record)))
    begin(plan, slot, { ...alarmOf(record), subject: slot.lane.state.subject, priority: slot.rule.priority }, atMs)
}

function clearTold(plan: Plan, slot: Slot, record: EdgeAlarmRecord): void {
  const { raisedMs, atMs } = record.alarm
  setSpanEnd(slot.lane.series.state, slot.rule.name, raisedMs, atMs)
  const known = slot.progress?.alarm
  if (known?.edge?.raisedMs !== raisedMs && known?.id !== idOf(record)) return
  setProgress(plan, slot, undefined)
  finish(plan, clearedBy(known!, record), { evidenceMs: atMs, order: slot.order })
}

function raiseUnruled(plan: Plan, record: EdgeAlarmRecord): void {
  const { state } = plan
  state.unruled ??= []
  if (state.unruled.some(({ id }) => id === idOf(record))) return
  const alarm = withHolds(state, alarmOf(record))
  state.unruled.push(alarm)
  plan.out.push({ alarm, evidenceMs: alarm.atMs, order: -1 })
  if (state.unruled.length <= unruledMax) return
  const oldest = state.unruled.shift()!
  finish(plan, ended(oldest, alarm.atMs, 'no room to follow it'), { evidenceMs: alarm.atMs, order: -1 })
}

function clearUnruled(plan: Plan, record: EdgeAlarmRecord): void {
  const { state } = plan
  const known = state.unruled?.find(({ id }) => id === idOf(record))
  if (!known) return
  state.unruled = state.unruled!.filter((one) => one !== known)
  if (state.unruled.length === 0) delete state.unruled
  finish(plan, clearedBy(known, record), { evidenceMs: record.alarm.atMs, order: -1 })
}

function clearedBy(known: AlarmRecord, { alarm: { atMs, value, unit, state } }: EdgeAlarmRecord): AlarmRecord {
  const { value: _, unit: __, state: ___, ...over } = ended(known, atMs)
  return { ...over, ...madeBy({ value, unit, state }) }
}

function alarmOf(record: EdgeAlarmRecord): AlarmRecord {
  const { subject, device, alarm } = record
  const { rule, channel, priority, technical, atMs, raisedMs, value, unit, state, text } = alarm
  return {
    ...({ f: 1, k: 'alarm', change: 'raised', active: true, acknowledged: false, retrospective: false } as const),
    ...{ id: idOf(record), rule, subject, device, channel, priority, technical, atMs, raisedMs },
    ...madeBy({ value, unit, state }),
    edge: edgeOf(record),
    ...lateNote(record),
    text,
  }
}

function madeBy(what: Pick<AlarmRecord, 'value' | 'unit' | 'state'>): Partial<AlarmRecord> {
  return Object.fromEntries(Object.entries(what).filter(([, value]) => value !== undefined))
}

function edgeOf({ node, alarm: { raisedMs, decidedMs, receivers } }: EdgeAlarmRecord): NonNullable<AlarmRecord['edge']> {
  return { node, raisedMs, decidedMs, receivers }
}

/** Above it people should see that it was not heard of here at once. */
const lateMs = 5000

function lateNote({ node, receivedMs, alarm: { decidedMs } }: EdgeAlarmRecord): Pick<AlarmRecord, 'note'> {
  if (receivedMs - decidedMs <= lateMs) return {}
  const [raised, received] = [decidedMs, receivedMs].map((ms) => new Date(ms).toISOString())
  return { note: `raised by gateway ${node} at ${raised}, known here at ${received}` }
}

function idOf({ device, alarm: { rule, channel, raisedMs } }: EdgeAlarmRecord): string {
  return `${rule}/${device}/${channel}/${raisedMs}`
}
