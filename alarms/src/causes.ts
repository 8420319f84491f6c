/**
 * One cause, one alarm: where a gateway's link is down or its clock is wrong, every device behind it falls silent. When the first
 * alarm of missing data falls due there, the gateway's own alarm is raised; what depends on it is *suppressed* under it: recorded,
 * and nobody is told.
 *
 *     a gateway is down     its death says so, until a device of it is born or a live sample comes
 *     or silent             two devices or more fell silent without a word, and none of the others speaks
 *     or its clock is off   `GATEWAY_CLOCK_OFF`, until `GATEWAY_CLOCK_RIGHT`
 *
 *     absence falls due     its gateway is well     raised
 *                           its gateway is not      suppressed, unannounced
 *     absence is active     its gateway's alarm is raised   suppressed; who was told of it is told of its end
 *     absence is suppressed a good sample           cleared
 *                           the cause is over, and silence goes on for the rule's own time   raised; unsuppressed where it was announced
 */
import { type AlarmRecord, type BirthRecord, deathReasons } from '@millrace/contract'
import { alarmOf, begin, type Evidence, ended, finish, ownAlarm, raise, raiseOwn } from './change.ts'
import { type GatewayState, gatewaysMax } from './engine.ts'
import { unsaid } from './holds.ts'
import { isHeld } from './life-cycle.ts'
import type { DevicePlan, Plan, SilenceSlot } from './plan.ts'
import { putAlarm } from './progress.ts'
import { ownRules } from './rule.ts'

/** Devices that an alarm names. */
const namedMax = 20

// ---- what is known of a gateway ------------------------------------------------------------------------------------

/** Its death is told for each of its devices. */
export function gatewayDied(plan: Plan, { device, node, atMs, reason }: BirthRecord): void {
  const known = plan.devices.get(device)
  if (known) known.state.node = node
  if (!known || reason !== deathReasons.node || isHistorical(known)) return
  const gateway = downGateway(plan, node)
  if (!gateway) keep(plan, { node, fromMs: atMs, why: reason })
}

/** Nobody waits for its next reading: its gateway may leave. */
function isHistorical({ state }: DevicePlan): boolean {
  return state.series.every((series) => series.isHistorical === true)
}

/** Its link is there again. */
export function takeBirth(plan: Plan, { device, node, atMs }: BirthRecord): void {
  const known = plan.devices.get(device)
  if (known) known.state.node = node
  gatewayIsBack(plan, node, atMs)
}

/** A live sample of a device came. */
export function gatewaySpoke(plan: Plan, device: string, atMs: number): void {
  const node = plan.devices.get(device)?.state.node
  if (node !== undefined) gatewayIsBack(plan, node, atMs)
}

/** At the bound, those that nobody keeps raise their alarms one by one. */
function keep(plan: Plan, gateway: GatewayState): GatewayState | undefined {
  plan.state.gateways ??= []
  if (plan.state.gateways.length >= gatewaysMax) return undefined
  plan.state.gateways.push(gateway)
  return gateway
}

function downGateway({ state }: Plan, node: string): GatewayState | undefined {
  return state.gateways?.find((one) => one.node === node)
}

function gatewayIsBack(plan: Plan, node: string, atMs: number): void {
  const { state } = plan
  const gateway = downGateway(plan, node)
  if (!gateway) return
  const others = state.gateways!.filter((one) => one !== gateway)
  if (others.length > 0) state.gateways = others
  else delete state.gateways
  if (!gateway.alarm) return
  const alarm = ended(gateway.alarm, atMs)
  finish(plan, alarm, { evidenceMs: atMs, order: -1 })
  causeIsOver(plan, alarm.id, alarm.atMs)
}

// ---- what depends on it --------------------------------------------------------------------------------------------

/** The silence of a device is due to be told. */
export function raiseSilence(plan: Plan, slot: SilenceSlot, evidence: Evidence): void {
  const cause = causeOf(plan, slot, evidence.evidenceMs)
  if (!cause) return raise(plan, slot, evidence)
  const { atMs } = evidence
  const alarm = { ...alarmOf(plan, slot, evidence), change: 'suppressed', cause: cause.id, unannounced: true } as const
  begin(plan, slot, { ...alarm, atMs: Math.max(atMs, alarm.raisedMs) }, evidence.evidenceMs)
}

function causeOf(plan: Plan, slot: SilenceSlot, nowMs: number): AlarmRecord | undefined {
  const { node } = slot.lane.series.device
  if (node === undefined) return undefined
  const known = downGateway(plan, node)
  if (known?.alarm) return known.alarm
  if (known) return raiseGateway(plan, known, nowMs)
  const clock = plan.state.warnings?.find(({ alarm }) => alarm.rule === ownRules.gatewayClock && alarm.channel === node)
  if (clock) return clock.alarm
  const fromMs = silentSince(plan, slot, node, nowMs)
  const gateway = fromMs === undefined ? undefined : keep(plan, { node, fromMs, why: 'nothing comes' })
  return gateway && raiseGateway(plan, gateway, nowMs)
}

/** Since when nothing of a whole gateway has come, or undefined. A silence that was announced is a device's own. */
function silentSince(plan: Plan, due: SilenceSlot, node: string, nowMs: number): number | undefined {
  let [unexplained, sinceMs] = [0, Number.NEGATIVE_INFINITY]
  for (const { state, series } of plan.devices.values()) {
    if (state.node !== node) continue
    for (const { live } of series.values()) {
      sinceMs = Math.max(sinceMs, live.state.t)
      const slot = live.silences[0]
      if (slot && isUnexplained(slot, nowMs)) {
        unexplained++
        break
      }
    }
  }
  const isSilent = nowMs - sinceMs >= due.delayOnMs / 2
  return isUnexplained(due, nowMs) && unexplained > 1 && isSilent ? sinceMs : undefined
}

/** It spoke not long ago, and nobody said why it stopped. */
function isUnexplained({ lane, delayOnMs }: SilenceSlot, nowMs: number): boolean {
  const { good, absences } = lane.state
  return nowMs - good <= 3 * delayOnMs && absences.every(([, reason]) => reason === 'ingest-gap')
}

function raiseGateway(plan: Plan, gateway: GatewayState, atMs: number): AlarmRecord {
  const { node, fromMs, why } = gateway
  const dependents = dependentsOf(plan, node)
  const since = new Date(fromMs).toISOString()
  const text = `Gateway ${node} is down since ${since} (${why}): nothing comes from ${counted(dependents.count)}`
  // Its id is made from the time of the death: the same in every partition that has devices of the gateway, so that people are told once.
  const alarm = raiseOwn(plan, {
    ...ownAlarm(ownRules.gatewayLink, node, fromMs, text),
    atMs: Math.max(atMs, fromMs),
    dependents,
  })
  gateway.alarm = alarm
  suppressBehind(plan, alarm, atMs)
  return alarm
}

function counted(count: number): string {
  return count === 1 ? 'its device' : `its ${count} devices`
}

export function dependentsOf(plan: Plan, node: string): NonNullable<AlarmRecord['dependents']> {
  const devices = behind(plan, node).map(({ state }) => state.device)
  return { count: devices.length, devices: devices.sort().slice(0, namedMax) }
}

function behind(plan: Plan, node: string): DevicePlan[] {
  return [...plan.devices.values()].filter(({ state }) => state.node === node)
}

/** What is active already when the cause becomes known. */
export function suppressBehind(plan: Plan, { id, channel: node }: AlarmRecord, atMs: number): void {
  for (const slot of silencesOf(behind(plan, node))) {
    const { alarm } = slot.progress ?? {}
    if (!alarm || alarm.cause !== undefined) continue
    put(plan, slot, { ...unsaid(alarm), change: 'suppressed', cause: id, atMs: Math.max(atMs, alarm.raisedMs) }, atMs)
  }
}

export function causeIsOver(plan: Plan, id: string, atMs: number): void {
  for (const { progress } of silencesOf(plan.devices.values()))
    if (progress?.alarm?.cause === id) progress.freeMs = Math.max(atMs, progress.alarm.raisedMs)
}

/** Silence counts from the end of its cause; another cause may have come in between. */
export function judgeSuppressed(plan: Plan, slot: SilenceSlot, nowMs: number): void {
  const { freeMs, alarm } = slot.progress!
  if (freeMs === undefined || freeMs + slot.delayOnMs > nowMs) return
  const cause = causeOf(plan, slot, nowMs)
  const atMs = freeMs + slot.delayOnMs
  delete slot.progress!.freeMs
  if (cause) return put(plan, slot, { ...unsaid(alarm!), change: 'suppressed', cause: cause.id, atMs }, nowMs)
  const { cause: _, ...rest } = unsaid(alarm!)
  const isTold = !rest.unannounced || rest.acknowledged || isHeld(rest)
  if (!isTold) delete rest.unannounced
  put(plan, slot, { ...rest, change: isTold ? 'unsuppressed' : 'raised', atMs }, nowMs)
}

function put(plan: Plan, slot: SilenceSlot, alarm: AlarmRecord, evidenceMs: number): void {
  putAlarm(slot.progress!, alarm)
  plan.out.push({ alarm, evidenceMs, order: slot.order })
}

function* silencesOf(devices: Iterable<DevicePlan>): Generator<SilenceSlot> {
  for (const { series } of devices) for (const { live } of series.values()) yield* live.silences
}
