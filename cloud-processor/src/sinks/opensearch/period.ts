/**
 * Names of indices: `<prefix><kind>-<period>`, the period a UTC month `2026.11` or day `2026.11.22`.
 *
 * The period is the one of the document's own time, so that a record which comes again goes into the index that has it already.
 * A time that no sound clock gives (before 2000, or a day after the record was appended to the log) would make indices without
 * end; such a document goes where the record's time in the log says.
 */
import { type Kind, kindNames } from './schema.ts'

export type Period = 'month' | 'day'

const dayMs = 86_400_000
const earliestMs = Date.UTC(2000, 0, 1)

export interface Indexed {
  prefix: string
  kind: Kind
  period: Period
  atMs: number
  /** When the record was appended to the log. */
  loggedMs: number
}

export function indexName({ prefix, kind, period, atMs, loggedMs }: Indexed): string {
  const isSound = atMs >= earliestMs && atMs <= loggedMs + dayMs
  return `${prefix}${kind}-${periodName(period, isSound ? atMs : loggedMs)}`
}

export function periodName(period: Period, atMs: number): string {
  return new Date(atMs)
    .toISOString()
    .slice(0, period === 'month' ? 7 : 10)
    .replaceAll('-', '.')
}

/** What an index is for and when its period ends; undefined for an index that Millrace did not name. */
export function parseIndex(prefix: string, index: string): { kind: Kind; endMs: number } | undefined {
  if (!index.startsWith(prefix)) return undefined
  const match = /^([a-z-]+)-(\d{4})\.(\d{2})(?:\.(\d{2}))?$/.exec(index.slice(prefix.length))
  const kind = kindNames.find((name) => name === match?.[1])
  if (!match || !kind) return undefined
  const [year, month, day] = [Number(match[2]), Number(match[3]) - 1, match[4] === undefined ? undefined : Number(match[4])]
  const startMs = Date.UTC(year, month, day ?? 1)
  if (periodName(day === undefined ? 'month' : 'day', startMs) !== index.slice(prefix.length + kind.length + 1)) return undefined
  return { kind, endMs: day === undefined ? Date.UTC(year, month + 1, 1) : startMs + dayMs }
}

/** Whether all that the index can hold is older than `days`; 0 days keep it without limit. */
export function isExpired(endMs: number, days: number, nowMs: number): boolean {
  return days > 0 && endMs + days * dayMs <= nowMs
}
