/**
 * Two rule files over the same log. An alarm of one has its counterpart in the other where a rule of the same name has an alarm of
 * the same device and channel that is active at some time of it.
 */
import type { Episode } from './episodes.ts'
import type { Load } from './figures.ts'
import { isoOf, tableOf } from './print.ts'
import type { Run } from './run.ts'

export interface Difference {
  rule: string
  first: number
  second: number
  onlyFirst: Episode[]
  onlySecond: Episode[]
}

/** Of alarms that people are told of. */
export function compareRuns(first: Run, second: Run): Difference[] {
  const [ours, theirs] = [toldOf(first), toldOf(second)]
  const names = [...first.file.rules, ...second.file.rules, ...ours, ...theirs].map((one) =>
    'rule' in one ? one.rule : one.name,
  )
  return [...new Set(names)].map((rule) => {
    const of = (all: Episode[]) => all.filter((one) => one.rule === rule)
    const [a, b] = [of(ours), of(theirs)]
    return { rule, first: a.length, second: b.length, onlyFirst: alone(a, b), onlySecond: alone(b, a) }
  })
}

export const toldOf = ({ episodes }: Run) => episodes.all().filter(({ kind }) => kind === 'told')

/** Those without a counterpart. Alarms of one rule at one channel follow one another. */
export function alone(these: Episode[], those: Episode[]): Episode[] {
  const others = Map.groupBy(those.toSorted(byTime), seriesOf)
  const next = new Map<string, number>()
  return these.toSorted(byTime).filter((one) => {
    const there = others.get(seriesOf(one)) ?? []
    let k = next.get(seriesOf(one)) ?? 0
    while (k < there.length && endOf(there[k]!) < one.raisedMs) k++
    next.set(seriesOf(one), k)
    return k === there.length || there[k]!.raisedMs > endOf(one)
  })
}

const byTime = (a: Episode, b: Episode) => a.raisedMs - b.raisedMs
const seriesOf = ({ device, channel }: Episode) => JSON.stringify([device, channel])
export const endOf = ({ clearedMs = Infinity }: Episode) => clearedMs

/** `--json` has all of them. */
const listedMax = 20

export function printComparison(paths: [string, string], differences: Difference[], load: Load): string {
  const rows = differences.map((one) => [
    one.rule,
    ...[one.first, one.second, one.onlyFirst.length, one.onlySecond.length].map(String),
  ])
  return [
    `${paths[0]} is the first file, ${paths[1]} the second, with ${load.perHour} alarms an hour and at most ${load.mostInHour} in one.`,
    '',
    ...tableOf([['rule', 'first', 'second', 'only first', 'only second'], ...rows], 1),
    ...listOf(
      'only first ',
      differences.flatMap(({ onlyFirst }) => onlyFirst),
    ),
    ...listOf(
      'only second',
      differences.flatMap(({ onlySecond }) => onlySecond),
    ),
  ].join('\n')
}

function listOf(title: string, all: Episode[]): string[] {
  if (all.length === 0) return []
  const lines = all.slice(0, listedMax).map((one) => `${title}  ${isoOf(one.raisedMs)}  ${one.rule}  ${one.device}  ${one.text}`)
  return ['', ...lines, ...(all.length > listedMax ? [`${title}  ${all.length - listedMax} more: --json`] : [])]
}
