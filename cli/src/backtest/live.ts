/**
 * What differs between the order of event time (the store) and the order of arrival (the log, which is what was live), each difference
 * with its cause.
 */
import type { RuleFile } from '@millrace/alarms'
import type { LimitView } from '@millrace/cloud-processor/web'
import { alone, endOf, toldOf } from './compare.ts'
import type { Episode } from './episodes.ts'
import { isoOf, tableOf } from './print.ts'
import type { Run } from './run.ts'
import type { Arrival } from './timeline.ts'

const causes = {
  late: 'its readings came late',
  held: 'suppressed, shelved or out of service live',
  path: 'of links, clocks and gateways, which the store does not hold',
  silence: 'silence by one order only: data was there later than its time',
  other: 'orders and rules of that time, or readings of which the store keeps one of several',
} as const
type Cause = keyof typeof causes

export interface LiveDifference {
  only: 'live' | 'store'
  cause: Cause
  alarm: Episode
}

/** Counts beside the run over the log: of which times readings came late. */
export class LateTimes {
  readonly file: RuleFile
  limits: LimitView[] = []
  private readonly spans = new Map<string, [fromMs: number, toMs: number][]>()

  constructor(file: RuleFile) {
    this.file = file
  }

  take({ record, nowMs = 0 }: Arrival): void {
    if (record.k !== 'readings') return
    const times = Object.values(record.channels).flatMap(({ t }) => [t[0]!, t.at(-1)!])
    const [fromMs, toMs] = [Math.min(...times), Math.max(...times)]
    if (times.length === 0 || (!record.hist && nowMs - fromMs < lateMs)) return
    const spans = this.spans.get(record.device)
    const last = spans?.at(-1)
    if (!spans) this.spans.set(record.device, [[fromMs, toMs]])
    else if (last && fromMs - last[1] < joinMs && fromMs >= last[0]) last[1] = Math.max(last[1], toMs)
    else spans.push([fromMs, toMs])
  }

  touches({ device, raisedMs, ...episode }: Episode): boolean {
    const toMs = endOf(episode as Episode)
    return (this.spans.get(device) ?? []).some(([from, to]) => from <= toMs + joinMs && to >= raisedMs - joinMs)
  }
}

/** A reading that is older when it arrives may have come behind a tick that judged without it. */
const lateMs = 5000
/** Late readings this near to each other are one time of late data. */
const joinMs = 10_000

export function differencesToLive(store: Run, live: Run, late: LateTimes): LiveDifference[] {
  const [inOrder, arrived] = [toldOf(store), toldOf(live)]
  const rules = new Map(live.file.rules.map((rule) => [rule.name, rule.condition]))
  const causeOf = (alarm: Episode): Cause => {
    const condition = rules.get(alarm.rule)
    if (condition === undefined) return 'path'
    const beside = live.episodes.all().filter((one) => isSame(one, alarm) && one.kind !== 'told')
    if (late.touches(alarm) || beside.some(({ kind }) => kind === 'late')) return 'late'
    if (beside.length > 0) return 'held'
    return condition === 'absent' ? 'silence' : 'other'
  }
  const of = (only: 'live' | 'store', all: Episode[]) => all.map((alarm) => ({ only, cause: causeOf(alarm), alarm }))
  const rulesOf = (all: Episode[], rule: string) => all.filter((one) => one.rule === rule)
  return [...new Set([...inOrder, ...arrived].map(({ rule }) => rule))].flatMap((rule) => {
    const [ours, theirs] = [rulesOf(arrived, rule), rulesOf(inOrder, rule)]
    return [...of('live', alone(ours, theirs)), ...of('store', alone(theirs, ours))]
  })
}

function isSame(one: Episode, other: Episode): boolean {
  const isSeries = one.rule === other.rule && one.device === other.device && one.channel === other.channel
  return isSeries && one.raisedMs <= endOf(other) && other.raisedMs <= endOf(one)
}

/** `--json` has all of them. */
const listedMax = 20

export function printDifferences(all: LiveDifference[]): string {
  if (all.length === 0) return 'Live, in the order of arrival, the same alarms were raised.'
  const rows = Object.entries(causes).flatMap(([cause, text]) => {
    const found = all.filter((one) => one.cause === cause)
    const count = (only: string) => `${found.filter((one) => one.only === only).length}`
    return found.length === 0 ? [] : [[text, count('live'), count('store')]]
  })
  const lines = all
    .toSorted((a, b) => a.alarm.raisedMs - b.alarm.raisedMs)
    .slice(0, listedMax)
    .map(
      ({ only, cause, alarm }) =>
        `only ${only.padEnd(5)}  ${isoOf(alarm.raisedMs)}  ${alarm.rule}  ${alarm.device}  ${causes[cause]}`,
    )
  const left = all.length - lines.length
  return [
    'Differences to the order of arrival (live), by cause:',
    '',
    ...tableOf([['cause', 'only live', 'only store'], ...rows], 1),
    '',
    ...lines,
    ...(left > 0 ? [`${left} more: --json`] : []),
  ].join('\n')
}
