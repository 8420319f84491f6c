/**
 * What is missing of one channel, worked out from the values alone: what is stored before, between and after the gaps must be
 * runs of what was produced, each as far behind the last one as the gap between them says that readings were lost.
 *
 *   produced   (unheard) SSSSSSSSSS mmmmmmm SSSSSSSSSSSS (unread)        stored  SSSSSSSSSS | gap: m lost | SSSSSSSSSSSS
 */
import type { Value } from '@millrace/contract'

export interface Series {
  /** When written to the line, or for the store as the agent dated it, epoch ms. */
  t: number[]
  v: Value[]
}

export interface Eviction {
  fromMs: number
  toMs: number
  lost: number
}

/** What was produced and is not stored, between the first and the last that is. */
export interface Stretch {
  fromMs: number
  toMs: number
  count: number
}

/** @throws Error where the store holds something else than was produced, or a gap counts wrongly. */
export function missingStretches(produced: Series, stored: Series, gaps: Eviction[]): Stretch[] {
  const runs = cutAtGaps(stored, gaps)
  let failure = new Error('what was stored before the first gap was not produced')
  // Values repeat, so the first run may stand in several places: the one from which all the others follow is right.
  for (const start of placesOf(produced, runs[0]!, stored.t[0]!)) {
    const found = follow(produced, runs, gaps, start)
    if (!(found instanceof Error)) return found
    failure = found
  }
  throw failure
}

function follow(produced: Series, runs: Value[][], gaps: Eviction[], start: number): Stretch[] | Error {
  const stretches: Stretch[] = []
  let at = start
  for (const [k, run] of runs.entries()) {
    if (k > 0) {
      const { lost } = gaps[k - 1]!
      stretches.push({ fromMs: produced.t[at]!, toMs: produced.t[at + lost - 1]!, count: lost })
      at += lost
    }
    const wrong = run.findIndex((value, n) => produced.v[at + n] !== value)
    if (wrong >= 0) return new Error(`after gap ${k} of ${gaps.length}, value ${wrong} of ${run.length} is not the one produced`)
    at += run.length
  }
  return stretches
}

function cutAtGaps({ t, v }: Series, gaps: Eviction[]): Value[][] {
  const runs: Value[][] = []
  let from = 0
  for (const { fromMs, toMs } of gaps) {
    const end = t.findIndex((at) => at >= fromMs)
    if (end >= 0 && t[end]! <= toMs) throw new Error(`something is stored inside the gap from ${fromMs} to ${toMs}`)
    runs.push(v.slice(from, end < 0 ? undefined : end))
    from = end < 0 ? t.length : end
  }
  return [...runs, v.slice(from)]
}

/** Where the whole run stands in what was produced, the nearest in time first. */
function placesOf({ t, v }: Series, run: Value[], aboutMs: number): number[] {
  const places: number[] = []
  for (let at = 0; at + run.length <= v.length; at++) {
    let k = 0
    while (k < run.length && v[at + k] === run[k]) k++
    if (k === run.length) places.push(at)
  }
  return places.sort((a, b) => Math.abs(t[a]! - aboutMs) - Math.abs(t[b]! - aboutMs))
}
