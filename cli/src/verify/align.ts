/**
 * Compares what one channel of a device produced with what the store holds, value for value, in order.
 *
 * Between gaps the two must be the same, without a value lost, doubled or altered. Within a recorded gap (widened by
 * `slackMs`, since arrival lags production a little) produced values may be missing, but what is stored must still be a
 * subsequence of what was produced. Times decide only which produced values a gap covers; they are never compared.
 *
 *   produced   C0 ....... F1 ....... C1 ....... F2 ...     C: core, all must be stored   F: flexible, under a gap
 *   stored     C0 + some of F1 in order + C1 + some of F2 ...
 */
import { fits } from './fits.ts'

export interface Produced {
  /** Epoch ms when written to the line. */
  t: number[]
  v: (number | string | boolean)[]
}

export interface Span {
  fromMs: number
  toMs: number
}

export interface Alignment {
  produced: number
  stored: number
  /** Missing, and covered by a gap. */
  explained: number
  lost: number
  /** In the store but not produced there: doubled or altered. */
  extra: number
  /** Of the extra, how many stand after everything produced. */
  trailing: number
  /** Where the first disagreement is, for people. */
  first?: string
}

export type Stretch = { isCore: boolean; from: number; to: number }

export function align(produced: Produced, stored: Produced['v'], gaps: Span[], slackMs: number): Alignment {
  const result: Alignment = { produced: produced.v.length, stored: stored.length, explained: 0, lost: 0, extra: 0, trailing: 0 }
  const stretches = cutAtGaps(produced, widen(gaps, slackMs))
  if (fits(produced, stored, stretches)) return { ...result, explained: produced.v.length - stored.length }
  // Something is wrong: find out where, as well as values that repeat allow.
  let at = 0
  for (const [index, { isCore, from, to }] of stretches.entries()) {
    if (isCore) at = matchCore(produced, stored, from, to, at, result)
    else {
      const next = stretches[index + 1]
      const end = next ? findCore(produced.v, stored, next, at, to - from) : stored.length
      at = matchFlexible(produced, stored, from, to, at, end, result)
    }
  }
  if (at < stored.length) {
    result.trailing = stored.length - at
    result.extra += result.trailing
    result.first ??= `${result.trailing} more values are stored than were produced`
  }
  return result
}

/** Sorted, joined, widened by the slack. */
function widen(gaps: Span[], slackMs: number): Span[] {
  const wide: Span[] = []
  for (const { fromMs, toMs } of gaps.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = wide.at(-1)
    const span = { fromMs: fromMs - slackMs, toMs: toMs + slackMs }
    if (last && span.fromMs <= last.toMs) last.toMs = Math.max(last.toMs, span.toMs)
    else wide.push(span)
  }
  return wide
}

function cutAtGaps({ t }: Produced, gaps: Span[]): Stretch[] {
  const stretches: Stretch[] = []
  let gap = 0
  for (let i = 0; i < t.length; i++) {
    while (gap < gaps.length && gaps[gap]!.toMs < t[i]!) gap++
    const isCore = !(gap < gaps.length && t[i]! >= gaps[gap]!.fromMs)
    const last = stretches.at(-1)
    if (last?.isCore === isCore) last.to = i + 1
    else stretches.push({ isCore, from: i, to: i + 1 })
  }
  return stretches
}

/** Every value of the core must stand in the store, one after another. After a disagreement both sides are brought together again. */
function matchCore(
  { t, v }: Produced,
  stored: Produced['v'],
  from: number,
  to: number,
  start: number,
  result: Alignment,
): number {
  let at = start
  let i = from
  while (i < to) {
    if (at < stored.length && stored[at] === v[i]) {
      at++
      i++
      continue
    }
    result.first ??= `produced ${v[i]} at ${new Date(t[i]!).toISOString()}, stored ${at < stored.length ? stored[at] : 'nothing'}`
    const { skipProduced, skipStored } = resynchronise(v, i, to, stored, at)
    result.lost += skipProduced
    result.extra += skipStored
    i += skipProduced
    at += skipStored
  }
  return at
}

const runLength = 8
const reach = 3000

/** The smallest skip on either side after which `runLength` values agree. */
function resynchronise(v: Produced['v'], i: number, to: number, stored: Produced['v'], at: number) {
  for (let skip = 1; skip <= reach; skip++) {
    for (let skipProduced = 0; skipProduced <= skip; skipProduced++) {
      const skipStored = skip - skipProduced
      if (skipProduced > 8 && skipStored > 8) continue
      if (i + skipProduced <= to && agrees(v, i + skipProduced, to, stored, at + skipStored)) return { skipProduced, skipStored }
    }
  }
  return { skipProduced: to - i, skipStored: 0 }
}

function agrees(v: Produced['v'], i: number, to: number, stored: Produced['v'], at: number): boolean {
  const length = Math.min(runLength, to - i)
  if (length <= 0 || at + length > stored.length) return false
  for (let k = 0; k < length; k++) if (v[i + k] !== stored[at + k]) return false
  return true
}

/**
 * Where in the store the next core begins. The last core ends the store, when what is left before it has room in the stretch
 * under the gap: of values that hardly change every place agrees. Else the first place from which all of it agrees, else the
 * first where its start does, or, when its start is lost, what comes soon after it.
 */
function findCore(v: Produced['v'], stored: Produced['v'], { from, to }: Stretch, start: number, room: number): number {
  const length = to - from
  const atEnd = stored.length - length
  if (to === v.length && atEnd >= start && atEnd - start <= room && agreesFrom(atEnd, length, 0)) return atEnd
  const whole = search(length, 0)
  if (whole !== undefined) return whole
  for (let skip = 0; skip < Math.min(reach, length); skip += 16) {
    const place = search(Math.min(64, length - skip), skip)
    if (place !== undefined) return firstAgreeing(place, skip)
  }
  return start

  function search(length: number, skip: number): number | undefined {
    for (let at = start; at + length <= stored.length; at++) if (agreesFrom(at, length, skip)) return at
    return undefined
  }

  /** Back from there, over what agrees as well. */
  function firstAgreeing(place: number, skip: number): number {
    let k = 0
    while (k < skip && place - k > start && stored[place - k - 1] === v[from + skip - k - 1]) k++
    return place - k
  }

  function agreesFrom(at: number, length: number, skip: number): boolean {
    for (let k = 0; k < length; k++) if (v[from + skip + k] !== stored[at + k]) return false
    return true
  }
}

/** What is stored under a gap must be a subsequence of what was produced there. */
function matchFlexible(
  { v }: Produced,
  stored: Produced['v'],
  from: number,
  to: number,
  start: number,
  end: number,
  result: Alignment,
): number {
  let at = start
  let matched = 0
  for (let i = from; i < to && at < end; i++) {
    if (stored[at] === v[i]) {
      at++
      matched++
    }
  }
  if (at < end) {
    result.extra += end - at
    result.first ??= `stored ${stored[at]} under a gap was not produced there`
  }
  result.explained += to - from - matched
  return end
}
