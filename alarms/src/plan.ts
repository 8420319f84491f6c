/**
 * What the rules mean for the series known now: names resolved, overrides picked, limits turned into raw numbers. Derived
 * from the state alone, made again whenever it is missing (after a restart, after new rules), never stored.
 */
import type { AlarmRecord } from '@millrace/contract'
import {
  type Condition,
  conditionOf,
  type Judge,
  type MemoryCondition,
  type ScoreCondition,
  type SilenceCondition,
  type ValueCondition,
} from './conditions/index.ts'
import type { DeviceState, EngineState, LaneState, Progress, SeriesState } from './engine.ts'
import { matches } from './glob.ts'
import { groupsFor } from './groups.ts'
import { keepsNewest, limited } from './limited.ts'
import { latestOf, MemoryJudge, newestJudge, scoreOf } from './memory.ts'
import { overridden, ruleFor, type Whose } from './overrides.ts'
import type { Rule, ValueRule } from './rule.ts'

export interface Plan {
  state: EngineState
  devices: Map<string, DevicePlan>
  /** Every series whose silence some rule watches. */
  watched: Set<SeriesPlan>
  /** Every device with a channel that a score is made of. */
  scored: Set<DevicePlan>
  /** Every lane in which some rule on a value is not at rest. */
  busy: Set<LanePlan>
  seriesCount: number
  out: Out[]
}

/** A change made by this step, and what decides its place among the step's changes. */
export interface Out {
  alarm: AlarmRecord
  evidenceMs: number
  order: number
}

export interface DevicePlan {
  state: DeviceState
  series: Map<string, SeriesPlan>
}

export interface SeriesPlan {
  device: DeviceState
  state: SeriesState
  live: LanePlan
  late?: LanePlan
  /** False when no rule watches this series: its samples are not looked at. */
  isWatched: boolean
}

export interface LanePlan {
  series: SeriesPlan
  state: LaneState
  isLate: boolean
  values: ValueSlot[]
  /** Those of the values that are to be given each sample before they are asked; undefined where there are none. */
  recalls: MemoryJudge[] | undefined
  /** Those of them that keep the newest value for a score. */
  inputs: MemoryJudge[] | undefined
  /** Some rule takes no readings of uncertain quality. */
  wantsGood: boolean
  /** Always empty in a late lane, and of a historical channel: silence is a matter of now. */
  silences: SilenceSlot[]
}

/** One rule at one lane. `progress` is the same object as in the lane's state, and absent at rest. */
interface SlotOf<R extends Rule> {
  rule: R
  /** How long it must be so before the alarm is raised. */
  delayOnMs: number
  /** Place of the rule in the file. */
  order: number
  lane: LanePlan
  progress: Progress | undefined
}
export interface ValueSlot extends SlotOf<ValueRule> {
  condition: ValueCondition | MemoryCondition | ScoreCondition
  judge: Judge
}
export interface SilenceSlot extends SlotOf<Rule> {
  condition: SilenceCondition
  /** The same after an absence that was announced: then nothing is expected any more. */
  announcedMs: number
}
export type Slot = ValueSlot | SilenceSlot

const plans = new WeakMap<EngineState, Plan>()

export function planOf(state: EngineState): Plan {
  let plan = plans.get(state)
  if (!plan) {
    plan = makePlan(state)
    plans.set(state, plan)
  }
  return plan
}

/** After new rules: everything is derived again. */
export function renewPlan(plan: Plan): void {
  const fresh = makePlan(plan.state)
  Object.assign(plan, { ...fresh, out: plan.out })
}

function makePlan(state: EngineState): Plan {
  const plan: Plan = {
    state,
    devices: new Map(),
    watched: new Set(),
    scored: new Set(),
    busy: new Set(),
    seriesCount: 0,
    out: [],
  }
  for (const device of state.devices) {
    const planned = addDevice(plan, device)
    for (const series of device.series) addSeries(plan, planned, series)
  }
  return plan
}

export function addDevice(plan: Plan, device: DeviceState): DevicePlan {
  const planned: DevicePlan = { state: device, series: new Map() }
  plan.devices.set(device.device, planned)
  return planned
}

export function addSeries(plan: Plan, device: DevicePlan, state: SeriesState): SeriesPlan {
  const series: SeriesPlan = { device: device.state, state, live: undefined as never, isWatched: false }
  series.live = makeLane(plan, series, state.live, false)
  if (state.late) series.late = makeLane(plan, series, state.late, true)
  device.series.set(state.channel, series)
  plan.seriesCount++
  register(plan, series)
  return series
}

export function addLateLane(plan: Plan, series: SeriesPlan, lane: LaneState): LanePlan {
  series.state.late = lane
  series.late = makeLane(plan, series, lane, true)
  return series.late
}

/** After another scale or subject: the same states, other limits. */
export function renewSlots(plan: Plan, lane: LanePlan): void {
  const fresh = makeLane(plan, lane.series, lane.state, lane.isLate)
  for (const slot of [...fresh.values, ...fresh.silences]) slot.lane = lane
  lane.values = fresh.values
  lane.recalls = fresh.recalls
  lane.inputs = fresh.inputs
  lane.wantsGood = fresh.wantsGood
  lane.silences = fresh.silences
  register(plan, lane.series)
}

/** Where the past is not that of what is measured now. */
export function forget(plan: Plan, lane: LanePlan): void {
  if (lane.state.memory === undefined) return
  delete lane.state.memory
  renewSlots(plan, lane)
}

/** True when one of the rules is about this channel of this device. */
export function hasRule(rules: Rule[], device: string, channel: string): boolean {
  return rules.some((rule) => isOf(rule, channel) && isFor(rule, device))
}

export function isFor({ devices }: Rule, device: string): boolean {
  return matches(devices, device)
}

function isOf(rule: Rule, channel: string): boolean {
  return conditionOf(rule).watches === 'subject' ? scoredChannels(rule).has(channel) : rule.channel === channel
}

const scored = new WeakMap<Rule, ReadonlySet<string>>()

/** In whichever override. */
function scoredChannels(rule: Rule): ReadonlySet<string> {
  let channels = scored.get(rule)
  if (!channels) {
    const condition = conditionOf(rule) as ScoreCondition
    const all = [rule, ...rule.overrides.map((one) => overridden(rule, one))] as ValueRule[]
    channels = new Set(all.flatMap((one) => condition.channels(one)))
    scored.set(rule, channels)
  }
  return channels
}

/** Puts a rule at a lane to work, or with `undefined` to rest. */
export function setProgress(plan: Plan, slot: Slot, progress: Progress | undefined): void {
  const { lane } = slot
  const all = lane.state.progress
  if (slot.progress) all.splice(all.indexOf(slot.progress), 1)
  if (progress) all.push(progress)
  slot.progress = progress
  markBusy(plan, lane)
}

function makeLane(plan: Plan, series: SeriesPlan, state: LaneState, isLate: boolean): LanePlan {
  const lane: LanePlan = {
    series,
    state,
    isLate,
    values: [],
    recalls: undefined,
    inputs: undefined,
    wantsGood: false,
    silences: [],
  }
  const whose = whoseOf(plan, series.device.device, state.subject)
  for (const [order, rule] of plan.state.file.rules.entries()) {
    if (!isFor(rule, series.device.device)) continue
    const own = limited(plan.state, ruleFor(rule, matches, whose), whose)
    const progress = state.progress.find((one) => one.rule === rule.name)
    addSlot({ lane, order, progress }, own, conditionOf(own))
  }
  if (plan.state.limits !== undefined && lane.values.some(({ rule }) => keepsNewest(plan.state, rule, whose)))
    lane.recalls = [...(lane.recalls ?? []), newestJudge(lane)]
  return lane
}

function whoseOf({ state }: Plan, device: string, subject: string): Whose {
  return { device, subject, groups: groupsFor(state.file, device, subject) }
}

function addSlot(place: Place, rule: Rule, condition: Condition): void {
  const { lane } = place
  if ((rule as ValueRule).minQuality === 'good') lane.wantsGood = true
  const { channel, isDerived = false, isHistorical = false } = lane.series.state
  const isNow = !lane.isLate && !isHistorical
  const isScore = condition.watches === 'subject'
  if (rule.channel === channel && isScore === isDerived) {
    if (condition.watches !== 'silence') lane.values.push(valueSlot(place, rule as ValueRule, condition))
    else if (isNow) lane.silences.push(silenceSlot(place, rule, condition))
  } else if (isScore && !isDerived && isNow && condition.channels(rule as ValueRule).includes(channel))
    addInput(lane, rule as ValueRule)
}

function addInput(lane: LanePlan, rule: ValueRule): void {
  const judge = new MemoryJudge(latestOf, rule, lane.state, lane.series.state)
  lane.recalls = [...(lane.recalls ?? []), judge]
  lane.inputs = [...(lane.inputs ?? []), judge]
}

type Place = Pick<Slot, 'lane' | 'order' | 'progress'>

function valueSlot(place: Place, rule: ValueRule, condition: ValueSlot['condition']): ValueSlot {
  const judge = judgeOf(place.lane, rule, condition)
  return { ...place, rule, condition, judge, delayOnMs: rule.delayOnMs }
}

function judgeOf(lane: LanePlan, rule: ValueRule, condition: ValueSlot['condition']): Judge {
  const { state } = lane.series
  if (condition.watches === 'values') return condition.judge(rule, state)
  const judge = new MemoryJudge(condition.watches === 'subject' ? scoreOf : condition, rule, lane.state, state)
  lane.recalls = [...(lane.recalls ?? []), judge]
  return judge
}

/**
 * A channel that reports by exception is silent for `silentMsMax` while all is well: a rule of less time begins to count then, and
 * one of not much more gets as much room as it would need without.
 */
function silenceSlot({ lane, order, progress }: Place, rule: Rule, condition: SilenceCondition): SilenceSlot {
  const ownMs = condition.silentMs(rule)
  const { silentMsMax } = lane.series.state
  const delayOnMs = silentMsMax === undefined ? ownMs : Math.max(ownMs, silentMsMax + Math.min(ownMs, roomMsMax))
  return { rule, condition, delayOnMs, announcedMs: ownMs, order, lane, progress }
}

/** Beyond it a rule is not about single readings. */
const roomMsMax = 10_000

function register(plan: Plan, series: SeriesPlan): void {
  const { values, silences, inputs } = series.live
  series.isWatched = values.length + silences.length > 0 || inputs !== undefined
  if (inputs) plan.scored.add(plan.devices.get(series.device.device)!)
  if (series.live.silences.length > 0) plan.watched.add(series)
  else plan.watched.delete(series)
  markBusy(plan, series.live)
  if (series.late) markBusy(plan, series.late)
}

function markBusy(plan: Plan, lane: LanePlan): void {
  if (lane.values.some((slot) => slot.progress !== undefined)) plan.busy.add(lane)
  else plan.busy.delete(lane)
}
