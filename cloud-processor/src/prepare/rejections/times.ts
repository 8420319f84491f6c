/** Readings and absences outside the plausible times. */
import type { Columns, Segment, Tally } from '@millrace/contract'
import type { Context } from '../context.ts'
import type { Message } from '../message.ts'
import { countOutOfTime } from '../time/clock-events.ts'
import { latestTime } from '../time/gateway-clocks.ts'
import { plausibleUnit, type TimeUnit } from '../time/units.ts'
import { keepOnly } from './columns.ts'
import { type IdentitiesOf, isoTime, lostBy, type Problem } from './problems.ts'

interface Span {
  from: number
  to: number
}

export interface Timed {
  columns: Columns
  identitiesOf: IdentitiesOf
  /** Of the times as they were sent; absent: ms. */
  timeUnit?: TimeUnit
}

/** Takes them out of the columns (in place). */
export function checkTimes(context: Context, message: Message, timed: Timed): Problem[] {
  const { columns, identitiesOf, timeUnit = 'ms' } = timed
  const { pastMsMin, futureMsMax } = context.config
  const nowMs = latestTime(context.state, message)
  const span = { from: pastMsMin, to: nowMs + futureMsMax }
  if (isAllWithin(columns, span)) return []
  const problems: Problem[] = []
  const check = (isGood: boolean, channel: string, t: number, lost: Tally) => {
    if (isGood) return true
    const unit = plausibleUnit(t, timeUnit, (other) => isWithin(other, span))
    const hint = unit === undefined ? '' : `; plausible as ${unit}`
    const detail = `${channel} at ${isoTime(t)}: time is out of range, it came at ${isoTime(nowMs)}${hint}`
    problems.push({ reason: 'PREPARE_TIME', detail, lost, channel, identity: identitiesOf(channel, t)[0]! })
    return false
  }
  keepOnly(columns, {
    isReadingKept: (channel, t) => check(isWithin(t, span), channel, t, [1, 0]),
    isSegmentKept: (channel, segment) => check(isSegmentWithin(segment, span), channel, segment.t, [0, segment.v.length]),
    isAbsenceKept: (channel, t) => check(isWithin(t, span), channel, t, [0, 0]),
  })
  if (!message.isReplay) countOutOfTime(context.state, lostBy(problems))
  return problems
}

function isAllWithin({ channels, waves, absences }: Columns, span: Span): boolean {
  for (const name in channels) for (const t of channels[name]!.t) if (!isWithin(t, span)) return false
  for (const name in waves) for (const segment of waves[name]!) if (!isSegmentWithin(segment, span)) return false
  return absences === undefined || absences.every(({ t }) => isWithin(t, span))
}

function isWithin(t: number, { from, to }: Span): boolean {
  return t >= from && t <= to
}

function isSegmentWithin({ t, i, v }: Segment, span: Span): boolean {
  return isWithin(t, span) && isWithin(t + Math.max(0, v.length - 1) * i, span)
}
