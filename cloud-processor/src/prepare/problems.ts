/** Readings that cannot be used, each named so that a replay finds it again; their neighbours go on. */
import { addTally, type Channel, type Column, type Columns, type Segment, type Tally } from '@millrace/contract'
import type { DecodedBatch } from '@millrace/contract/sparkplug'
import { countOutOfTime } from './clock-events.ts'
import { latestTime } from './gateway-clocks.ts'
import type { Taking } from './prepare.ts'

export interface Problem {
  reason: string
  detail: string
  lost: Tally
  channel?: string
  /** `<alias>@<time>`, or `<channel>#<place>` in a payload of records: the same whether or not it could be read. */
  identity: string
}

/** Every identity that a reading may have been rejected under, its own first. */
export type IdentitiesOf = (channel: string, t: number) => string[]

/** Of Sparkplug readings. Several aliases may have meant one channel, and a metric without an alias goes by its name. */
export function byAlias(channels: Map<number | string, Channel>): IdentitiesOf {
  let keys: Map<string, (number | string)[]> | undefined
  return (channel, t) => {
    keys ??= Map.groupBy(channels.keys(), (key) => channels.get(key)!.name)
    return (keys.get(channel) ?? [channel]).map((key) => `${key}@${t}`)
  }
}

/** A record of which nothing could be used: it is not known how many readings it has, and none is counted. */
export const recordIdentity = (place: number) => `#${place}`
const isRecord = (identity: string) => /^#\d+$/.test(identity)

export function describe({ reason, alias, name, t, raw, lost }: DecodedBatch['problems'][number]): Problem {
  const what = name ?? (alias === undefined ? 'a metric without a name' : `alias ${alias}`)
  const when = t === undefined ? '' : ` at ${isoTime(t)}`
  const value = raw === undefined ? '' : ` = ${String(raw).slice(0, 40)}`
  return {
    reason: 'PREPARE_READING',
    detail: `${what}${when}${value}: ${reason}`,
    lost,
    channel: name,
    identity: `${alias ?? name}@${t}`,
  }
}

const detailsMax = 3

/**
 * One record for each reason: each carries the whole message, so thousands of bad readings in one message must not make
 * thousands of copies of it.
 */
export function rejectAll(taking: Taking, problems: Problem[], where: { node: string; device?: string }): void {
  for (const [reason, group] of Map.groupBy(problems, (problem) => problem.reason)) {
    const lost: Tally = [0, 0]
    for (const problem of group) addTally(lost, problem.lost)
    const { channel } = group[0]!
    const isOneChannel = channel !== undefined && group.every((problem) => problem.channel === channel)
    taking.reject({ reason, detail: summary(group), lost, ...(isOneChannel ? { channel } : {}), ...where })
  }
}

function summary(problems: Problem[]): string {
  const more = problems.length > detailsMax ? `; and ${problems.length - detailsMax} more` : ''
  return `${problems
    .slice(0, detailsMax)
    .map(({ detail }) => detail)
    .join('; ')}${more}`
}

/** Takes readings and absences outside the plausible times out of the columns (in place). */
export function checkTimes(columns: Columns, taking: Taking, identitiesOf: IdentitiesOf): Problem[] {
  const { pastMsMin: earliest, futureMsMax } = taking.config
  const nowMs = latestTime(taking)
  const latest = nowMs + futureMsMax
  const isPlausible = (t: number) => t >= earliest && t <= latest
  const isWithin = ({ t, i, v }: Segment) => isPlausible(t) && isPlausible(t + Math.max(0, v.length - 1) * i)
  const problems: Problem[] = []
  const blame = (channel: string, t: number, lost: Tally) => {
    const detail = `${channel} at ${isoTime(t)}: time is out of range, it came at ${isoTime(nowMs)}`
    problems.push({ reason: 'PREPARE_TIME', detail, lost, channel, identity: identitiesOf(channel, t)[0]! })
  }
  for (const [name, column] of Object.entries(columns.channels)) {
    if (column.t.every(isPlausible)) continue
    for (const t of column.t) if (!isPlausible(t)) blame(name, t, [1, 0])
    putColumn(columns, name, keep(column, isPlausible))
  }
  for (const [name, segments] of Object.entries(columns.waves)) {
    if (segments.every(isWithin)) continue
    for (const segment of segments) if (!isWithin(segment)) blame(name, segment.t, [0, segment.v.length])
    putSegments(columns, name, segments.filter(isWithin))
  }
  const absences = columns.absences ?? []
  if (!absences.every(({ t }) => isPlausible(t))) {
    for (const { channel, t } of absences) if (!isPlausible(t)) blame(channel, t, [0, 0])
    columns.absences = absences.filter(({ t }) => isPlausible(t))
  }
  countOutOfTime(taking, problems)
  return problems
}

/**
 * For a replay: leaves only the readings that were rejected before and are not again (in place), and returns their identities.
 * Each is taken once; a message that has two readings of one channel and time cannot say which of them it was.
 */
export function keepOnly(columns: Columns, before: Set<string>, stillBad: Problem[], identitiesOf: IdentitiesOf): Set<string> {
  const wanted = new Set(before)
  for (const { identity } of stillBad) wanted.delete(identity)
  const taken = new Set<string>()
  const isWanted = (name: string, t: number) => {
    const identity = identitiesOf(name, t).find((one) => (isRecord(one) ? wanted.has(one) : wanted.delete(one)))
    if (identity !== undefined) taken.add(identity)
    return identity !== undefined
  }
  for (const [name, column] of Object.entries(columns.channels))
    putColumn(
      columns,
      name,
      keep(column, (t) => isWanted(name, t)),
    )
  for (const [name, segments] of Object.entries(columns.waves))
    putSegments(
      columns,
      name,
      segments.filter(({ t }) => isWanted(name, t)),
    )
  if (columns.absences) columns.absences = columns.absences.filter(({ channel, t }) => isWanted(channel, t))
  return taken
}

/** What a replay did not make good; what is out of time was taken, but not used. */
export function leftOver(before: Set<string>, taken: Set<string>, outOfTime: Problem[]): string[] {
  const unused = new Set(outOfTime.map(({ identity }) => identity))
  return [...before].filter((identity) => !taken.has(identity) || unused.has(identity))
}

/** Problems that a replay found in records that nothing could be used of before. */
export function newlyFound(before: Set<string>, problems: Problem[]): Problem[] {
  return problems.filter(({ identity }) => !before.has(identity) && before.has(identity.slice(identity.lastIndexOf('#'))))
}

/** Of what a replay took, that which was counted as rejected. */
export function countedBefore({ channels, waves }: Columns, before: Set<string>, identitiesOf: IdentitiesOf): Tally {
  const wasCounted = (name: string, t: number) => identitiesOf(name, t).some((one) => before.has(one) && !isRecord(one))
  const tally: Tally = [0, 0]
  for (const [name, { t }] of Object.entries(channels)) for (const at of t) if (wasCounted(name, at)) tally[0]++
  for (const [name, segments] of Object.entries(waves))
    for (const { t, v } of segments) if (wasCounted(name, t)) tally[1] += v.length
  return tally
}

function putColumn({ channels }: Columns, name: string, column: Column): void {
  if (column.t.length > 0) channels[name] = column
  else delete channels[name]
}

function putSegments({ waves }: Columns, name: string, segments: Segment[]): void {
  if (segments.length > 0) waves[name] = segments
  else delete waves[name]
}

function keep({ t, v, q }: Column, isKept: (t: number) => boolean): Column {
  const indexes = t.flatMap((time, index) => (isKept(time) ? [index] : []))
  return { t: indexes.map((i) => t[i]!), v: indexes.map((i) => v[i]!), ...(q ? { q: indexes.map((i) => q[i]!) } : {}) }
}

function isoTime(t: number): string {
  return Number.isFinite(t) && Math.abs(t) < 8.64e15 ? new Date(t).toISOString() : `${t}`
}
