/**
 * Which series are known, and the bound on them. Declared channels are kept whether or not a rule watches them yet: a
 * declaration is not repeated. One that finds no room is refused, and so are its readings, for without its declaration
 * their scale is unknown. That is an alarm itself, which stays, because a subject is not monitored.
 */
import type { Channel, Counter, DeclarationRecord } from '@millrace/contract'
import { hasFairRoom } from '@millrace/platform'
import { ownAlarm, raiseOwn } from './change.ts'
import { type ClockState, newLane, type SeriesState } from './engine.ts'
import { addDevice, addSeries, type DevicePlan, hasRule, type Plan, renewSlots, type SeriesPlan } from './plan.ts'
import { ownRules } from './rule.ts'

interface Where {
  device: string
  subject: string
  partition: number
  channel: string
  isText: boolean
  /** Undefined before the first tick. */
  nowMs: number | undefined
}

export function clockOf(plan: Plan, partition: number): ClockState | undefined {
  return plan.state.clocks.find((clock) => clock.partition === partition)
}

/** The newest declaration of a channel holds; one that is no longer declared is kept: late data may still use it. */
export function takeDeclaration(plan: Plan, { device, subject, node, channels }: DeclarationRecord, partition: number): void {
  const nowMs = clockOf(plan, partition)?.tickMs
  for (const channel of channels) {
    if (!isKept(plan, device, channel)) continue
    const known = plan.devices.get(device)?.series.get(channel.name)
    const isText = channel.kind === 'text'
    const series = known ?? newSeries(plan, { device, subject, partition, channel: channel.name, isText, nowMs })
    if (series && !series.state.isDerived) redeclare(plan, series, channel)
  }
  const known = plan.devices.get(device)?.state
  if (known) known.node = node
}

/** A text has no scale, so that its declaration says nothing until a rule watches it. */
function isKept({ state }: Plan, device: string, { kind, name }: Channel): boolean {
  return kind === 'number' || kind === 'boolean' || (kind === 'text' && hasRule(state.file.rules, device, name))
}

/** A channel that nobody declared: its values are taken as they are, unless its declaration may have been refused. */
export function undeclaredSeries(plan: Plan, where: Where): SeriesPlan | undefined {
  return plan.state.counts.refused > 0 ? refuse(plan, where) : newSeries(plan, where)
}

function newSeries(plan: Plan, where: Where): SeriesPlan | undefined {
  if (!hasRoom(plan, where.device)) return refuse(plan, where)
  const device = deviceOf(plan, where)
  const state: SeriesState = { channel: where.channel, scale: 1, offset: 0, unit: '1', live: newLane(where.subject) }
  if (where.isText) state.isText = true
  if (where.nowMs !== undefined) state.knownMs = where.nowMs
  device.state.series.push(state)
  return addSeries(plan, device, state)
}

/** Devices share it: one that declares without end keeps no other from being watched. */
function hasRoom({ seriesCount, state, devices }: Plan, device: string): boolean {
  const known = devices.get(device)
  const sharers = devices.size + (known ? 0 : 1)
  return hasFairRoom({ max: state.file.seriesMax, used: seriesCount, own: known?.series.size ?? 0, sharers })
}

function redeclare(
  plan: Plan,
  series: SeriesPlan,
  { kind, scale = 1, offset = 0, unit, silentMsMax, counter, historical }: Channel,
): void {
  const { state } = series
  if (kind === 'text') state.isText = true
  else delete state.isText
  const isSame = state.scale === scale && state.offset === offset && state.unit === unit && isSameCounter(state.counter, counter)
  if (isSame && state.silentMsMax === silentMsMax && state.isHistorical === historical) return
  Object.assign(state, { scale, offset, unit })
  if (!isSame) for (const lane of [state.live, state.late]) delete lane?.memory
  if (counter === undefined) delete state.counter
  else state.counter = counter
  if (silentMsMax === undefined) delete state.silentMsMax
  else state.silentMsMax = silentMsMax
  if (historical) state.isHistorical = true
  else delete state.isHistorical
  renewSlots(plan, series.live)
  if (series.late) renewSlots(plan, series.late)
}

function deviceOf(plan: Plan, { device, subject, partition }: Where): DevicePlan {
  const known = plan.devices.get(device)
  if (known) return known
  const state = { device, subject, partition, series: [] }
  plan.state.devices.push(state)
  return addDevice(plan, state)
}

function refuse(plan: Plan, { device, channel, nowMs = 0 }: Where): undefined {
  const { state } = plan
  state.counts.refused++
  if (state.full) return
  const text = `No room to watch ${channel} of ${device}, nor any further one: seriesMax is ${state.file.seriesMax}`
  state.full = raiseOwn(plan, ownAlarm(ownRules.seriesLimit, 'series', nowMs, text))
}

const isSameCounter = (one: Counter | undefined, other: Counter | undefined) =>
  one?.resets === other?.resets && one?.modulus === other?.modulus
