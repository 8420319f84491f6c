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
import { cutAtGaps, type Produced, type Span, type Stretch } from './stretches.ts'

export type { Produced, Span }

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

/** Both sides in step: how far the store is matched, and what did not agree so far. */
interface Walk {
  produced: Produced
  stored: Produced['v']
  /** Next in the store. */
  at: number
  result: Alignment
}

export function align(produced: Produced, stored: Produced['v'], gaps: Span[], slackMs: number): Alignment {
  const result: Alignment = { produced: produced.v.length, stored: stored.length, explained: 0, lost: 0, extra: 0, trailing: 0 }
  const stretches = cutAtGaps(produced, gaps, slackMs)
  if (fits(produced, stored, stretches)) return { ...result, explained: produced.v.length - stored.length }
  // Something is wrong: find out where, as well as values that repeat allow.
  const walk: Walk = { produced, stored, at: 0, result }
  for (const [index, stretch] of stretches.entries()) {
    if (stretch.isCore) matchCore(walk, stretch)
    else matchFlexible(walk, stretch, stretches[index + 1])
  }
  if (walk.at < stored.length) {
    result.trailing = stored.length - walk.at
    result.extra += result.trailing
    result.first ??= `${result.trailing} more values are stored than were produced`
  }
  return result
}

/** Every value of the core must stand in the store, one after another. After a disagreement both sides are brought together again. */
function matchCore(walk: Walk, { from, to }: Stretch): void {
  const { produced, stored, result } = walk
  const { t, v } = produced
  let i = from
  while (i < to) {
    if (walk.at < stored.length && stored[walk.at] === v[i]) {
      walk.at++
      i++
      continue
    }
    const found = walk.at < stored.length ? stored[walk.at] : 'nothing'
    result.first ??= `produced ${v[i]} at ${new Date(t[i]!).toISOString()}, stored ${found}`
    const { skipProduced, skipStored } = resynchronise(walk, i, to)
    result.lost += skipProduced
    result.extra += skipStored
    i += skipProduced
    walk.at += skipStored
  }
}

const runLength = 8
const reach = 3000

/** The smallest skip on either side after which `runLength` values agree. */
function resynchronise(walk: Walk, i: number, to: number) {
  for (let skip = 1; skip <= reach; skip++) {
    for (let skipProduced = 0; skipProduced <= skip; skipProduced++) {
      const skipStored = skip - skipProduced
      if (skipProduced > 8 && skipStored > 8) continue
      const length = Math.min(runLength, to - i - skipProduced)
      if (length > 0 && agrees(walk, i + skipProduced, walk.at + skipStored, length)) return { skipProduced, skipStored }
    }
  }
  return { skipProduced: to - i, skipStored: 0 }
}

function agrees({ produced: { v }, stored }: Walk, i: number, at: number, length: number): boolean {
  if (at + length > stored.length) return false
  for (let k = 0; k < length; k++) if (v[i + k] !== stored[at + k]) return false
  return true
}

/** What is stored under a gap must be a subsequence of what was produced there. It ends where the next core begins. */
function matchFlexible(walk: Walk, { from, to }: Stretch, next: Stretch | undefined): void {
  const { produced, stored, result } = walk
  const end = next ? findCore(walk, next, to - from) : stored.length
  let matched = 0
  for (let i = from; i < to && walk.at < end; i++) {
    if (stored[walk.at] === produced.v[i]) {
      walk.at++
      matched++
    }
  }
  if (walk.at < end) {
    result.extra += end - walk.at
    result.first ??= `stored ${stored[walk.at]} under a gap was not produced there`
  }
  result.explained += to - from - matched
  walk.at = end
}

/**
 * Where in the store the next core begins. The last core ends the store, when what is left before it has room in the stretch
 * under the gap: of values that hardly change every place agrees. Else the first place from which all of it agrees, else the
 * first where its start does, or, when its start is lost, what comes soon after it.
 */
function findCore(walk: Walk, { from, to }: Stretch, room: number): number {
  const { produced, stored, at: start } = walk
  const length = to - from
  const atEnd = stored.length - length
  const isLast = to === produced.v.length
  if (isLast && atEnd >= start && atEnd - start <= room && agrees(walk, from, atEnd, length)) return atEnd
  const whole = search(walk, from, length)
  if (whole !== undefined) return whole
  for (let skip = 0; skip < Math.min(reach, length); skip += 16) {
    const place = search(walk, from + skip, Math.min(64, length - skip))
    if (place !== undefined) return firstAgreeing(walk, from, place, skip)
  }
  return start
}

function search(walk: Walk, i: number, length: number): number | undefined {
  for (let at = walk.at; at + length <= walk.stored.length; at++) if (agrees(walk, i, at, length)) return at
  return undefined
}

/** Back from there, over what agrees as well. */
function firstAgreeing({ produced: { v }, stored, at: start }: Walk, from: number, place: number, skip: number): number {
  let k = 0
  while (k < skip && place - k > start && stored[place - k - 1] === v[from + skip - k - 1]) k++
  return place - k
}
