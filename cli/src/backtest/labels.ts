/**
 * The alarms of a rule beside what people labelled. A label is found when an alarm of its device is active at some time of it; an
 * alarm that is active in no label of its device is false. Only alarms that people are told of count.
 */
import type { Counted } from './backtest.ts'
import { endOf } from './compare.ts'
import type { Episode } from './episodes.ts'
import { medianOf } from './figures.ts'
import type { Label } from './label-file.ts'
import { isoOf, spanOf, tableOf } from './print.ts'
import type { Run } from './run.ts'

export interface Judged {
  rule: string
  found: number
  missed: Label[]
  falseAlarms: Episode[]
  /** From the beginning of a label to its first alarm; 0 where one is active before. Null where none is found. */
  detectMedianMs: number | null
}

export interface Verdict {
  rules: Judged[]
  /** Labels that reach beyond the stretch: not counted. */
  outside: number
  /** Devices of labels of which the stretch has no readings. */
  unknown: string[]
}

export function judge({ file, episodes }: Run, labels: Label[], { fromMs, toMs, devices }: Counted): Verdict {
  const inside = labels.filter((label) => label.fromMs >= fromMs && label.toMs <= toMs)
  const told = episodes.all().filter(({ kind }) => kind === 'told')
  return {
    rules: file.rules.map(({ name }) =>
      judgeRule(
        name,
        told.filter(({ rule }) => rule === name),
        inside.filter(({ rule }) => rule === undefined || rule === name),
      ),
    ),
    outside: labels.length - inside.length,
    unknown: [...new Set(labels.map(({ device }) => device))].filter((device) => !devices.has(device)),
  }
}

function judgeRule(rule: string, alarms: Episode[], labels: Label[]): Judged {
  const byDevice = Map.groupBy(
    alarms.toSorted((a, b) => a.raisedMs - b.raisedMs),
    ({ device }) => device,
  )
  const detected = labels.map((label) => ({ label, alarm: byDevice.get(label.device)?.find((one) => isIn(one, label)) }))
  const times = detected.flatMap(({ label, alarm }) => (alarm ? [Math.max(0, alarm.raisedMs - label.fromMs)] : []))
  const labelled = Map.groupBy(labels, ({ device }) => device)
  return {
    rule,
    found: times.length,
    missed: detected.filter(({ alarm }) => !alarm).map(({ label }) => label),
    falseAlarms: alarms.filter((one) => !labelled.get(one.device)?.some((label) => isIn(one, label))),
    detectMedianMs: medianOf(times.sort((a, b) => a - b)),
  }
}

const isIn = (alarm: Episode, { fromMs, toMs }: Label) => alarm.raisedMs <= toMs && endOf(alarm) >= fromMs

export function printVerdict(path: string, { rules, outside, unknown }: Verdict): string {
  const rows = rules.map(({ rule, found, missed, falseAlarms, detectMedianMs }) => [
    rule,
    ...[found, missed.length, falseAlarms.length].map(String),
    spanOf(detectMedianMs),
  ])
  return [
    `Labels of ${path}:`,
    '',
    ...tableOf([['rule', 'found', 'missed', 'false', 'time to detect'], ...rows], 1),
    ...listOf(rules),
    ...(outside > 0 ? ['', `Labels that reach beyond the stretch, not counted: ${outside}.`] : []),
    ...(unknown.length > 0 ? ['', `The stretch has no readings of ${unknown.join(', ')}: correct the names in the labels.`] : []),
  ].join('\n')
}

/** `--json` has all of them. */
const listedMax = 20

function listOf(rules: Judged[]): string[] {
  const all = rules.flatMap(({ rule, missed, falseAlarms }) => [
    ...missed.map(({ device, fromMs, toMs }) => `missed  ${rule}  ${device}  ${isoOf(fromMs)} to ${isoOf(toMs)}`),
    ...falseAlarms.map(({ device, raisedMs, text }) => `false   ${rule}  ${device}  ${isoOf(raisedMs)}  ${text}`),
  ])
  if (all.length === 0) return []
  return ['', ...all.slice(0, listedMax), ...(all.length > listedMax ? [`${all.length - listedMax} more: --json`] : [])]
}
