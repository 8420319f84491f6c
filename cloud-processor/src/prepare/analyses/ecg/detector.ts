/**
 * QRS detection. The first opinion are two moving averages (Elgendi 2013): where the mean over a QRS is above the mean over a beat,
 * there is a block, whose largest amplitude is a candidate. The second is the gradient (Brammer 2020): where it is steeper than is
 * usual. A candidate that both have is a beat at a third of the usual amplitude, one of the first alone at two thirds. What is
 * refused is kept for a search-back, when no beat came for 1.66 usual intervals.
 */
import type { Judged } from './front-end.ts'

export interface DetectorMemory {
  /** Of the squares, over some seconds: keeps a flat signal from being all blocks. */
  mean: number
  block: Block | null
  /** Since when it is steep; -1: it is not. */
  steepSince: number
  /** Largest amplitude since then. */
  steepAmplitude: number
  /** End of the last steep stretch. */
  steepEnd: number
  /** Whether the stretch that is, or was last, had a block with it. */
  isSteepShared: boolean
  refused: Candidate[]
  /** Of the last beats. */
  amplitudes: number[]
  intervals: number[]
  /** -1 before the first. */
  last: number
  lastAmplitude: number
}

export interface Candidate {
  at: number
  amplitude: number
  /** Both opinions have it. */
  isShared: boolean
}

interface Block extends Candidate {
  from: number
}

/** What happened at a sample. The signal quality is made of it. */
export interface Seen {
  beats: Candidate[]
  /** What looked like a beat. */
  found: { isShared: boolean; isOther: boolean }[]
}

const beatsKept = 8
const refusedMax = 20
/** Of the usual amplitude, at which a candidate of both opinions, or of the first alone, is a beat. */
const sharedShare = 0.33
const singleShare = 0.66
/** Below it and above it nothing is a beat, whatever the pause. */
const smallShare = 0.08
const largeShare = 8

export class Detector {
  readonly #widthMin: number
  readonly #steepMin: number
  readonly #refractory: number
  readonly #tWave: number
  readonly #intervalMax: number
  readonly #forget: number
  readonly #rate: number
  #isTrusted = true
  readonly seen: Seen = { beats: [], found: [] }

  constructor(rateHz: number) {
    this.#rate = rateHz
    this.#widthMin = 0.06 * rateHz
    this.#steepMin = 0.04 * rateHz
    this.#refractory = 0.2 * rateHz
    this.#tWave = 0.36 * rateHz
    this.#intervalMax = 2 * rateHz
    this.#forget = 1 / (3 * rateHz)
  }

  begin(): DetectorMemory {
    return {
      mean: 0,
      block: null,
      steepSince: -1,
      steepAmplitude: 0,
      steepEnd: -1,
      isSteepShared: false,
      refused: [],
      amplitudes: [],
      intervals: [],
      last: -1,
      lastAmplitude: 0,
    }
  }

  /**
   * `seen` is then what this sample decided.
   * @param isTrusted whether what is a beat now says how large beats are
   */
  take(memory: DetectorMemory, n: number, judged: Judged, isTrusted: boolean): void {
    if (this.seen.beats.length > 0) this.seen.beats = []
    if (this.seen.found.length > 0) this.seen.found = []
    this.#isTrusted = isTrusted
    memory.mean += (judged.square - memory.mean) * Math.max(this.#forget, 1 / (n + 1))
    this.#takeSteep(memory, n, judged)
    if (judged.event > judged.beat + 0.08 * memory.mean) this.#growBlock(memory, n, judged)
    else if (memory.block) this.#endBlock(memory, n)
    if (memory.refused.length > 0) this.#searchBack(memory, n)
  }

  #takeSteep(memory: DetectorMemory, n: number, { steepness, usual, amplitude }: Judged): void {
    if (steepness > 1.5 * usual) {
      if (memory.steepSince < 0) {
        memory.steepSince = n
        memory.steepAmplitude = 0
        memory.isSteepShared = false
      }
      memory.steepAmplitude = Math.max(memory.steepAmplitude, amplitude)
      return
    }
    if (memory.steepSince < 0) return
    const isLong = n - memory.steepSince >= this.#steepMin
    if (isLong) memory.steepEnd = n
    if (isLong && !memory.isSteepShared && !memory.block) this.#find(memory, memory.steepAmplitude, false)
    memory.steepSince = -1
  }

  #growBlock(memory: DetectorMemory, n: number, { amplitude }: Judged): void {
    const isSteep = memory.steepSince >= 0 && n - memory.steepSince >= this.#steepMin
    memory.block ??= { from: n, at: n, amplitude, isShared: memory.steepEnd >= n - this.#steepMin }
    const { block } = memory
    if (amplitude > block.amplitude) {
      block.amplitude = amplitude
      block.at = n
    }
    if (isSteep) block.isShared = memory.isSteepShared = true
  }

  #endBlock(memory: DetectorMemory, n: number): void {
    const { from, at, amplitude, isShared } = memory.block!
    memory.block = null
    if (n - from < this.#widthMin) return
    this.#find(memory, amplitude, isShared)
    this.#consider(memory, { at, amplitude, isShared })
  }

  #find({ amplitudes }: DetectorMemory, amplitude: number, isShared: boolean): void {
    this.seen.found.push({ isShared, isOther: isOther(amplitudes, amplitude) })
  }

  #consider(memory: DetectorMemory, candidate: Candidate): void {
    const { at, amplitude, isShared } = candidate
    const since = memory.last < 0 ? Infinity : at - memory.last
    if (since < this.#refractory || isLarge(memory.amplitudes, amplitude)) return
    const level = this.#level(memory, at)
    const isTWave = since < this.#tWave && amplitude < 0.5 * memory.lastAmplitude
    if (!isTWave && amplitude >= (isShared ? sharedShare : singleShare) * level) return this.#accept(memory, candidate)
    memory.refused.push(candidate)
    if (memory.refused.length > refusedMax) memory.refused.shift()
  }

  #accept(memory: DetectorMemory, beat: Candidate): void {
    const { amplitudes, intervals, last } = memory
    if (last >= 0) keep(intervals, beat.at - last)
    if (amplitudes.length < beatsKept || this.#isTrusted) keep(amplitudes, beat.amplitude)
    memory.last = beat.at
    memory.lastAmplitude = beat.amplitude
    memory.refused = memory.refused.filter(({ at }) => at > beat.at + this.#refractory)
    this.seen.beats.push(beat)
  }

  #searchBack(memory: DetectorMemory, n: number): void {
    const { last, refused, intervals } = memory
    if (last < 0) return
    const usual = intervals.length === 0 ? this.#rate : middle(intervals)
    if (n - last < Math.min(1.66 * usual, this.#intervalMax)) return
    const level = this.#level(memory, n)
    let best: Candidate | undefined
    for (const one of refused) {
      const isTWave = one.at - last < this.#tWave
      if (!isTWave && one.amplitude >= 0.2 * level && one.amplitude > (best?.amplitude ?? 0)) best = one
    }
    if (best) this.#accept(memory, best)
  }

  /** The usual amplitude; less of it is asked for while no beat comes, but never so little that noise is a beat. */
  #level({ amplitudes, last }: DetectorMemory, n: number): number {
    if (amplitudes.length === 0) return 0
    const seconds = (n - last) / this.#rate
    return middle(amplitudes) * Math.max(smallShare / sharedShare, Math.min(1, 2 ** ((2 - seconds) / 2)))
  }
}

/** Not the amplitude of a beat, as beats are now. */
function isOther(amplitudes: number[], amplitude: number): boolean {
  return isLarge(amplitudes, amplitude) || (amplitudes.length > 0 && amplitude < smallShare * middle(amplitudes))
}

function isLarge(amplitudes: number[], amplitude: number): boolean {
  return amplitudes.length === beatsKept && amplitude > largeShare * middle(amplitudes)
}

function keep(list: number[], value: number): void {
  list.push(value)
  if (list.length > beatsKept) list.shift()
}

function middle(list: number[]): number {
  const sorted = [...list].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]!
}
