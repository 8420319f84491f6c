/**
 * Scores over several channels of a subject. Each of the channels keeps its newest live value (a memory of its lane). At a tick, where
 * one of them came since the last one, their score is a sample of a *derived* series: on the device of the subject that has it
 * already, else the first by name. From there on it is a value like any other, so that delays and the alarm's life are the lane's.
 */
import type { ScoreCondition } from './conditions/condition.ts'
import { scaledValue } from './conditions/scaling.ts'
import { newLane } from './engine.ts'
import { changeSubject, takeGood } from './lane.ts'
import type { Latest, Scored } from './memory.ts'
import { addSeries, type DevicePlan, type LanePlan, type Plan, type SeriesPlan } from './plan.ts'
import type { ValueRule } from './rule.ts'

export function judgeScores(plan: Plan, atMs: number, partition: number): void {
  if (plan.scored.size === 0) return
  for (const group of groupsOf(plan).values()) {
    if (group.host.state.partition !== partition) continue
    const lane = derivedLane(plan, group)
    if (!lane) continue
    if (lane.state.subject !== group.subject) changeSubject(plan, lane, group.subject, atMs)
    if (atMs > lane.state.t) judge(plan, lane, group, atMs)
  }
}

interface Group {
  rule: ValueRule
  subject: string
  host: DevicePlan
  inputs: Input[]
}
interface Input {
  series: SeriesPlan
  latest: Latest
}

/** By rule and subject. */
function groupsOf(plan: Plan): Map<string, Group> {
  const groups = new Map<string, Group>()
  for (const device of plan.scored)
    for (const series of device.series.values())
      for (const { rule, stored } of series.live.inputs ?? []) {
        const { subject } = series.live.state
        const key = `${rule.name}/${subject}`
        const group = groups.get(key)
        const input = { series, latest: stored.kept as Latest }
        if (!group) groups.set(key, { rule, subject, host: device, inputs: [input] })
        else {
          group.inputs.push(input)
          if (isBefore(device, group)) group.host = device
        }
      }
  return groups
}

function isBefore(device: DevicePlan, { host, rule, subject }: Group): boolean {
  const has = (one: DevicePlan) => one.series.get(rule.channel)?.live.state.subject === subject
  return has(device) === has(host) ? device.state.device < host.state.device : has(device)
}

/** Undefined where the device has a channel of its own under that name. */
function derivedLane(plan: Plan, { host, rule, subject }: Group): LanePlan | undefined {
  const known = host.series.get(rule.channel)
  if (known) return known.state.isDerived ? known.live : undefined
  const state = { channel: rule.channel, scale: 1, offset: 0, unit: '1', isDerived: true as const, live: newLane(subject) }
  host.state.series.push(state)
  return addSeries(plan, host, state).live
}

function judge(plan: Plan, lane: LanePlan, { rule, inputs }: Group, atMs: number): void {
  const slot = lane.values.find((one) => one.rule.name === rule.name)
  const recall = lane.recalls?.find(({ stored }) => stored.rule === rule.name)
  if (!slot || !recall) return
  const condition = slot.condition as unknown as ScoreCondition
  const scored = recall.stored.kept as Scored
  const seen = inputs.reduce((sum, { latest }) => sum + latest.seen, 0)
  if (seen === scored.seen) return
  const fromMs = atMs - condition.validMs(slot.rule)
  const valueFor = (channel: string) =>
    newest(inputs.filter((one) => one.series.state.channel === channel && one.latest.t > fromMs))
  Object.assign(scored, condition.score(slot.rule, valueFor), { seen })
  if (scored.missing.length < condition.channels(slot.rule).length) takeGood(plan, lane, atMs, scored.points)
}

/** Of two devices with values of the same time that of the first by name. */
function newest(inputs: Input[]): number | string | undefined {
  let best: Input | undefined
  for (const one of inputs) {
    const isLater = one.latest.t > (best?.latest.t ?? -Infinity)
    const isFirst = one.latest.t === best?.latest.t && one.series.device.device < best.series.device.device
    if (isLater || isFirst) best = one
  }
  if (!best) return undefined
  const { raw } = best.latest
  return typeof raw === 'number' ? scaledValue(raw, best.series.state) : raw
}
