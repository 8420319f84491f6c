/** Readings that cannot be used, each named so that a replay finds it again; their neighbours go on. */
import { addTally, type Channel, type RejectionReason, type Tally } from '@millrace/contract'
import type { DecodedBatch } from '@millrace/contract/sparkplug'
import { type Context, reject } from '../context.ts'
import type { Message } from '../message.ts'

export interface Problem {
  reason: RejectionReason
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
    return [...(keys.get(channel) ?? []), channel].map((key) => `${key}@${t}`)
  }
}

/** A record of which nothing could be used: it is not known how many readings it has, and none is counted. */
export const recordIdentity = (place: number) => `#${place}`
export const isRecord = (identity: string) => /^#\d+$/.test(identity)

export const identityOf = ({ identity }: Problem) => identity

/** Metric that gives no value, and why. */
export type MetricFault = Omit<DecodedBatch['problems'][number], 'reason' | 'index'> & { reason: string; index?: number }

export function describe({ reason, alias, name, t, raw, lost }: MetricFault): Problem {
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

export function lostBy(problems: Problem[]): Tally {
  const lost: Tally = [0, 0]
  for (const problem of problems) addTally(lost, problem.lost)
  return lost
}

const detailsMax = 3

interface Where {
  node: string
  device?: string
}

/**
 * One record for each reason: each carries the whole message, so thousands of bad readings in one message must not make
 * thousands of copies of it.
 */
export function rejectAll(context: Context, message: Message, problems: Problem[], where: Where): void {
  for (const [reason, group] of Map.groupBy(problems, (problem) => problem.reason)) {
    const { channel } = group[0]!
    const isOneChannel = channel !== undefined && group.every((problem) => problem.channel === channel)
    const which = { ...(isOneChannel ? { channel } : {}), ...where }
    reject(context, message, { reason, detail: summary(group), lost: lostBy(group), ...which })
  }
}

function summary(problems: Problem[]): string {
  const details = [...new Set(problems.map(({ detail }) => detail))]
  const first = details.slice(0, detailsMax)
  const more = details.length > detailsMax ? `; and ${details.length - detailsMax} more` : ''
  return `${first.join('; ')}${more}`
}

export function isoTime(t: number): string {
  return Number.isFinite(t) && Math.abs(t) < 8.64e15 ? new Date(t).toISOString() : `${t}`
}
