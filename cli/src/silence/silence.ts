/** `millrace silence add|list|end`. */
import { matchersText } from '@millrace/alarms'
import type { SilenceView } from '@millrace/cloud-processor/web'
import type { AlarmMatchers } from '@millrace/contract'

export interface Given {
  priority?: string[] | undefined
  rule?: string[] | undefined
  device?: string[] | undefined
  subject?: string[] | undefined
  channel?: string[] | undefined
  group?: string[] | undefined
  technical?: boolean | undefined
  physiological?: boolean | undefined
}

/** @throws Error where nothing is named: silence for all alarms has to be said. */
export function matchersOf(given: Given): AlarmMatchers {
  const { priority, rule, device, subject, channel, group, technical, physiological } = given
  const named = { priorities: priority, rules: rule, devices: device, subjects: subject, channels: channel, groups: group }
  const matchers = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) as AlarmMatchers
  if (technical || physiological) matchers.technical = technical === true
  if (Object.keys(matchers).length > 0) return matchers
  throw new Error(`Name the alarms, such as --device 'bed-*' or --rule spo2-low; --device '*' is all of them.`)
}

export function printSilences(silences: SilenceView[]): string {
  if (silences.length === 0) return 'no silences'
  return silences
    .map(
      ({ id, matchers, untilMs, by, reason }) =>
        `${id}  until ${new Date(untilMs).toISOString()}  ${matchersText(matchers)}  (${by}: ${reason})`,
    )
    .join('\n')
}
