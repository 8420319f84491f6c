/** Readings that cannot be used, each named so that a replay finds it again; their neighbours go on. */
import type { Channel, Column, Columns, Segment, Tally } from '@millrace/contract'
import type { DecodedBatch } from '@millrace/contract/sparkplug'
import type { PrepareConfig } from './config.ts'

export interface Problem {
  reason: string
  detail: string
  lost: Tally
  channel?: string
  /** `<alias>@<time>`: the same whether or not the alias was known. */
  identity: string
}

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

/** Takes readings outside the plausible times out of the columns (in place). */
export function checkTimes(
  columns: Columns,
  receivedMs: number,
  config: PrepareConfig,
  channels: Map<number | string, Channel>,
): Problem[] {
  const earliest = config.pastMsMin
  const latest = receivedMs + config.futureMsMax
  const isPlausible = (t: number) => t >= earliest && t <= latest
  const problems: Problem[] = []
  const blame = (channel: string, t: number, lost: Tally) => {
    const alias = [...channels].find(([, known]) => known.name === channel)?.[0]
    const detail = `${channel} at ${isoTime(t)}: time is out of range`
    problems.push({ reason: 'PREPARE_TIME', detail, lost, channel, identity: `${alias}@${t}` })
  }
  for (const [name, column] of Object.entries(columns.channels)) {
    if (column.t.every(isPlausible)) continue
    for (const t of column.t) if (!isPlausible(t)) blame(name, t, [1, 0])
    const kept = keep(column, isPlausible)
    if (kept.t.length > 0) columns.channels[name] = kept
    else delete columns.channels[name]
  }
  for (const [name, segments] of Object.entries(columns.waves)) {
    if (segments.every(({ t }) => isPlausible(t))) continue
    for (const { t, v } of segments) if (!isPlausible(t)) blame(name, t, [0, v.length])
    const kept: Segment[] = segments.filter(({ t }) => isPlausible(t))
    if (kept.length > 0) columns.waves[name] = kept
    else delete columns.waves[name]
  }
  return problems
}

function keep({ t, v, q }: Column, isKept: (t: number) => boolean): Column {
  const indexes = t.flatMap((time, index) => (isKept(time) ? [index] : []))
  return { t: indexes.map((i) => t[i]!), v: indexes.map((i) => v[i]!), ...(q ? { q: indexes.map((i) => q[i]!) } : {}) }
}

function isoTime(t: number): string {
  return Number.isFinite(t) && Math.abs(t) < 8.64e15 ? new Date(t).toISOString() : `${t}`
}
