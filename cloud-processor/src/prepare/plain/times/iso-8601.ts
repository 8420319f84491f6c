/**
 * Times as text, strictly: RFC 3339, and of ISO 8601 the calendar date with a time to the minute or finer.
 *
 *   2026-11-29T07:24:01.250Z  2026-11-29 07:24:01+01:00  2026-11-29T07:24-0300  20261129T072401Z  20261129T072401.5+01
 *
 * `t`, `z` and a comma before the fraction are read; digits finer than 1 ms are dropped. A leap second (`:60`) ends a day of UTC and is
 * the second after it. Refused are dates that no calendar has, 24:00, a date without a time, week and ordinal dates, and whatever
 * `Date.parse` makes of other texts. Nothing here depends on the machine's zone.
 */
export interface IsoTime {
  /** Of the fields as if they were UTC. */
  fieldsMs: number
  /** Minutes east of UTC; undefined in a local time. */
  offsetMinutes: number | undefined
  isLeapSecond: boolean
}

const extended = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(Z|z|[+-]\d\d(?::?\d\d)?)?$/
const basic = /^(\d{4})(\d\d)(\d\d)[Tt](\d\d)(\d\d)(?:(\d\d)(?:[.,](\d+))?)?(Z|z|[+-]\d\d(?:\d\d)?)?$/

/** Undefined when the text is not a time. */
export function parseIsoTime(text: string): IsoTime | undefined {
  const match = extended.exec(text) ?? basic.exec(text)
  if (!match) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((field) => Number(field ?? 0)) as SixNumbers
  const isLeapSecond = second === 60
  const dayMs = dayOf(year, month, day)
  const offsetMinutes = match[8] === undefined ? undefined : offsetOf(match[8])
  if (dayMs === undefined || hour > 23 || minute > 59 || second > 60 || Number.isNaN(offsetMinutes)) return undefined
  const ms = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3))
  return { fieldsMs: dayMs + ((hour * 60 + minute) * 60 + second) * 1000 + ms, offsetMinutes, isLeapSecond }
}

type SixNumbers = [number, number, number, number, number, number]

/** Epoch ms of a day of the calendar. */
function dayOf(year: number, month: number, day: number): number | undefined {
  const ms = Date.UTC(year, month - 1, day)
  const date = new Date(ms)
  // A year below 100 is read by Date.UTC as one of the twentieth century.
  const isReal = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return isReal ? ms : undefined
}

/** NaN when there is no such offset. */
function offsetOf(text: string): number {
  if (/^z$/i.test(text)) return 0
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(3).replace(':', '') || 0)]
  if (hours > 23 || minutes > 59) return Number.NaN
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}
