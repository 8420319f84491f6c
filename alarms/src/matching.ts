/** Whether an alarm is one that matchers are for, and by which silence it is held. */
import type { AlarmMatchers, AlarmRecord } from '@millrace/contract'
import type { EngineState, SilenceState } from './engine.ts'
import { compileGlobs } from './glob.ts'

type Matched = Pick<AlarmRecord, 'priority' | 'rule' | 'device' | 'subject' | 'channel' | 'technical' | 'groups'>

/** Compiled once, to be asked of many alarms. */
export function compileMatchers(matchers: AlarmMatchers): (alarm: Matched) => boolean {
  const { priorities, technical } = matchers
  const rule = globs(matchers.rules)
  const device = globs(matchers.devices)
  const subject = globs(matchers.subjects)
  const channel = globs(matchers.channels)
  const group = globs(matchers.groups)
  return (alarm) =>
    (priorities === undefined || priorities.includes(alarm.priority)) &&
    (technical === undefined || technical === alarm.technical) &&
    rule(alarm.rule) &&
    device(alarm.device) &&
    subject(alarm.subject) &&
    channel(alarm.channel) &&
    (matchers.groups === undefined || (alarm.groups ?? []).some(group))
}

function globs(patterns: string[] | undefined): (name: string) => boolean {
  return patterns === undefined ? () => true : compileGlobs(patterns)
}

const compiled = new WeakMap<SilenceState, (alarm: Matched) => boolean>()

/** Of several that match the one that lasts longest counts. */
export function silencedBy({ silences }: EngineState, alarm: Matched): Pick<AlarmRecord, 'silenced'> {
  let untilMs = Number.NEGATIVE_INFINITY
  for (const one of silences ?? []) {
    const matches = compiled.get(one) ?? compileMatchers(one.matchers)
    compiled.set(one, matches)
    if (one.untilMs > untilMs && matches(alarm)) untilMs = one.untilMs
  }
  return untilMs > Number.NEGATIVE_INFINITY ? { silenced: { untilMs } } : {}
}

/** For people. */
export function matchersText(matchers: AlarmMatchers): string {
  const parts = Object.entries(matchers).map(([key, value]) => `${key} ${Array.isArray(value) ? value.join(', ') : value}`)
  return parts.length === 0 ? 'all alarms' : `alarms of ${parts.join('; ')}`
}
