import type { Column, Columns, Segment } from '@millrace/contract'

export interface Choice {
  isReadingKept(channel: string, t: number): boolean
  isSegmentKept(channel: string, segment: Segment): boolean
  isAbsenceKept(channel: string, t: number): boolean
}

/** Leaves only what is chosen (in place). Each is asked once, in the order of the columns. */
export function keepOnly(columns: Columns, choice: Choice): void {
  const { channels, waves } = columns
  for (const name in channels) {
    const kept = keep(channels[name]!, (t) => choice.isReadingKept(name, t))
    if (kept.t.length > 0) channels[name] = kept
    else delete channels[name]
  }
  for (const name in waves) {
    const kept = waves[name]!.filter((segment) => choice.isSegmentKept(name, segment))
    if (kept.length > 0) waves[name] = kept
    else delete waves[name]
  }
  if (columns.absences) columns.absences = columns.absences.filter(({ channel, t }) => choice.isAbsenceKept(channel, t))
}

function keep({ t, v, q }: Column, isKept: (t: number) => boolean): Column {
  const indexes = t.flatMap((time, index) => (isKept(time) ? [index] : []))
  return { t: indexes.map((i) => t[i]!), v: indexes.map((i) => v[i]!), ...(q ? { q: indexes.map((i) => q[i]!) } : {}) }
}
