/** One channel of one run against what the store gives out from its time: value for value, in order. */
import type { StoredGap } from '@millrace/cloud-processor/stores'
import { type Alignment, align, type Produced, type Span } from './align.ts'
import { cut, firstAt, type Run } from './runs.ts'

export interface Comparison extends Alignment {
  /** Given out from the time of the run, whether or not it was produced in it. */
  given: number
}

export interface Question {
  run: Run
  produced: Produced
  /** Given out from the time of the run. */
  stored: Produced
  gaps: Span[]
  slackMs: number
  /** The ledger counts what was left out at times that nothing tells, such as what a filter held back. */
  isThinned: boolean
}

export function compare(question: Question): Comparison {
  return question.run.settledMs < Number.POSITIVE_INFINITY ? compareRunning(question) : compareDue(question)
}

function compareDue({ produced, stored, gaps, slackMs, isThinned }: Question): Comparison {
  const given = stored.v.length
  const strict = align(produced, stored.v, gaps, slackMs)
  if (!isThinned && strict.lost + strict.extra === 0) return { ...strict, given }
  const alignment = align(produced, stored.v, [anywhere], 0)
  if (!isThinned) return { ...(alignment.extra > 0 ? strict : inOrder(strict, alignment)), given }
  const isUnderGap = (t: number) => gaps.some(({ fromMs, toMs }) => t >= fromMs - slackMs && t <= toMs + slackMs)
  const lost = Math.max(0, alignment.explained - produced.t.filter(isUnderGap).length)
  return { ...alignment, lost, explained: alignment.explained - lost, given }
}

/** All that is stored was produced in that order: then nothing is doubled or altered, and how many are missing is certain. */
function inOrder(strict: Alignment, { explained: missing }: Alignment): Alignment {
  const lost = Math.max(1, Math.min(strict.lost, missing))
  return { ...strict, lost, extra: 0, trailing: 0, explained: missing - lost }
}

const anywhere = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY }

/**
 * Of a running simulator what was produced up to the value that is stored last. Which one that is may be told by the values; of
 * those that hardly change only by the time, nearly: the next ones may be stored, and what is not of them is in flight.
 */
function compareRunning(question: Question): Comparison {
  const { run, produced, stored, gaps } = question
  const end = reached(produced, stored, run)
  const due = cut(produced, 0, Math.min(produced.v.length, end + nextMax))
  const next = { fromMs: due.t[Math.max(0, end - nextMax)] ?? run.settledMs, toMs: Number.POSITIVE_INFINITY }
  const comparison = compareDue({ ...question, produced: due, gaps: [...gaps, next] })
  const inFlight = Math.min(due.v.length - end, comparison.explained)
  return { ...comparison, produced: comparison.produced - inFlight, explained: comparison.explained - inFlight }
}

/** Arrival moves a value among its neighbours by so many. */
const nextMax = 8

/** Recorded gaps of the device that are of this channel. */
export function spansOf(gaps: StoredGap[], channel: string): Span[] {
  return gaps
    .filter((gap) => gap.channel === undefined || gap.channel === '*' || gap.channel === channel)
    .map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs ?? Number.POSITIVE_INFINITY }))
}

/** How many values were produced up to the last one stored; at least those that must be stored by now. */
function reached(produced: Produced, stored: Produced, { settledMs }: Run): number {
  const last = stored.t.at(-1)
  const least = firstAt(produced.t, settledMs)
  if (last === undefined) return least
  const near = firstAt(produced.t, last)
  for (let length = Math.min(matchMax, stored.v.length); length > 0; length >>= 1) {
    for (let off = 0; off <= reachMax; off++)
      for (const end of [near - off, near + off]) if (endsAlike(produced.v, end, stored.v, length)) return Math.max(least, end)
  }
  return Math.max(least, near)
}

const matchMax = 32
const reachMax = 2000

function endsAlike(produced: Produced['v'], end: number, stored: Produced['v'], length: number): boolean {
  if (end < length || end > produced.length) return false
  for (let k = 1; k <= length; k++) if (produced[end - k] !== stored[stored.length - k]) return false
  return true
}
