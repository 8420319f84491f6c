/**
 * Signal quality, 0 to 1: of what looked like a beat to either opinion in the last ten seconds, the share that did to both (bSQI of
 * Li, Mark and Clifford 2008). 0 while the signal does not move at all: then the lead is off, whatever came before. 1 where nothing
 * looked like a beat and the signal moves: that is a pause. What is much smaller or larger than beats usually are is left out, unless
 * several of it came since the last beat, and to both opinions: then the amplitude is another one, and the quality 0 until that is learnt.
 */
import type { Seen } from './detector.ts'

export interface QualityMemory {
  /** By second, newest last: seen by both, by one. */
  shared: number[]
  single: number[]
  /** Too small or too large for a beat, since the last one. */
  other: { shared: number; single: number }
  /** When the newest second ends. */
  endMs: number
  raw: number
  /** Since when the signal is exactly the same. */
  sameSinceMs: number
  atMs: number
}

const secondMs = 1000
const secondsMax = 10
/** A digitised lead that is connected has some noise. */
const flatMs = 1000
const sharedMin = 0.8

export function beginQuality(t: number, raw: number): QualityMemory {
  return { shared: [0], single: [0], other: { shared: 0, single: 0 }, endMs: t + secondMs, raw, sameSinceMs: t, atMs: t }
}

export function seeRaw(memory: QualityMemory, t: number, raw: number): void {
  if (raw !== memory.raw) memory.sameSinceMs = t
  memory.raw = raw
  memory.atMs = t
}

export function countSeen({ shared, single, other }: QualityMemory, { beats, found }: Seen): void {
  if (beats.length > 0) other.shared = other.single = 0
  for (const { isShared, isOther } of found) {
    if (isOther) other[isShared ? 'shared' : 'single']++
    else if (isShared) shared[shared.length - 1]!++
    else single[single.length - 1]!++
  }
}

/** So many of them, of which both opinions have most. */
export function isOtherAmplitude({ other: { shared, single } }: QualityMemory, least: number): boolean {
  return shared >= least && shared >= sharedMin * (shared + single)
}

/** True once a second. */
export function newSecond(memory: QualityMemory, t: number): boolean {
  if (t < memory.endMs) return false
  memory.endMs += secondMs * Math.ceil((t - memory.endMs + 1) / secondMs)
  for (const list of [memory.shared, memory.single]) {
    list.push(0)
    if (list.length > secondsMax) list.shift()
  }
  return true
}

export function qualityOf(memory: QualityMemory): number {
  const { shared, single, atMs, sameSinceMs } = memory
  if (atMs - sameSinceMs >= flatMs || isOtherAmplitude(memory, 2)) return 0
  const both = sumOf(shared)
  const all = both + sumOf(single)
  return all === 0 ? 1 : Number((both / all).toFixed(2))
}

const sumOf = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0)
