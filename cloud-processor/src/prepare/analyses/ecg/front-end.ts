/**
 * From raw samples of an ECG to what both opinions judge, sample by sample, with the same delay for all of it:
 *
 *   raw ─ median of 20 ms (a pacing spike is narrower) ─┬─ band 8-20 Hz ─ squared ─┬─ mean over a QRS (97 ms)    `event`
 *                                                       │                          └─ mean over a beat (611 ms)  `beat`
 *                                                       └─ slope, absolute ────────┬─ mean over 100 ms           `steepness`
 *                                                                                  └─ mean over 750 ms           `usual`
 *
 * Filters are symmetric, windows are centred: nothing is moved in time but by `delay` samples.
 * Windows: Elgendi 2013 (PMC3774726); gradient: Brammer 2020, as in NeuroKit (PMC7617317).
 */

export interface FrontEndMemory {
  /** Newest raw samples, a ring. */
  raw: number[]
  /** After the median, a ring. */
  clean: number[]
  /** Rings of the longest window. */
  squares: number[]
  slopes: number[]
  /** Samples taken. */
  n: number
  sums: { event: number; beat: number; steepness: number; usual: number }
}

/** What both opinions judge, at one sample. */
export interface Judged {
  /** Of the band-passed signal, absolute. */
  amplitude: number
  square: number
  event: number
  beat: number
  steepness: number
  usual: number
}

const lowHz = 8
const highHz = 20
const seconds = { spike: 0.02, kernel: 0.25, event: 0.097, beat: 0.611, steepness: 0.1, usual: 0.75, slope: 0.008 }

export class FrontEnd {
  /** Samples from a raw sample to what is judged of it. */
  readonly delay: number
  readonly #spike: number
  readonly #band: Float64Array
  readonly #slope: Float64Array
  readonly #window: number
  readonly #halves: { event: number; beat: number; steepness: number; usual: number }
  readonly #sorted: number[] = []
  readonly judged: Judged = { amplitude: 0, square: 0, event: 0, beat: 0, steepness: 0, usual: 0 }

  constructor(rateHz: number) {
    const half = (of: number) => Math.round((of * rateHz - 1) / 2)
    const kernelHalf = half(seconds.kernel)
    this.#spike = 2 * Math.floor((seconds.spike * rateHz) / 2) + 1
    this.#band = bandKernel(kernelHalf, rateHz)
    this.#slope = slopeKernel(kernelHalf, rateHz)
    this.#halves = {
      event: half(seconds.event),
      beat: half(seconds.beat),
      steepness: half(seconds.steepness),
      usual: half(seconds.usual),
    }
    this.#window = 2 * this.#halves.usual + 1
    this.delay = (this.#spike - 1) / 2 + kernelHalf + this.#halves.usual
  }

  /** The first sample stands for all before it, so that its level makes no step. */
  begin(raw: number): FrontEndMemory {
    return {
      raw: new Array(this.#spike).fill(raw),
      clean: new Array(this.#band.length).fill(raw),
      squares: new Array(this.#window).fill(0),
      slopes: new Array(this.#window).fill(0),
      n: 0,
      sums: { event: 0, beat: 0, steepness: 0, usual: 0 },
    }
  }

  /** `judged` is then of the sample `delay` before this one. */
  take(memory: FrontEndMemory, raw: number): void {
    const { clean, squares, slopes, n } = memory
    memory.raw[n % this.#spike] = raw
    clean[n % clean.length] = this.#median(memory.raw)
    const band = convolve(clean, this.#band, n)
    const slope = Math.abs(convolve(clean, this.#slope, n))
    this.#slide(memory, 'event', band * band)
    this.#slide(memory, 'beat', band * band)
    this.#slide(memory, 'steepness', slope)
    this.#slide(memory, 'usual', slope)
    squares[n % this.#window] = band * band
    slopes[n % this.#window] = slope
    memory.n = n + 1
    this.#judge(memory)
  }

  /** Windows are centred in the ring, so that what enters is not the newest. */
  #slide({ sums, squares, slopes, n }: FrontEndMemory, name: keyof FrontEndMemory['sums'], newest: number): void {
    const ring = name === 'event' || name === 'beat' ? squares : slopes
    const { usual } = this.#halves
    const half = this.#halves[name]
    const entering = half === usual ? newest : ring[(n - usual + half + this.#window) % this.#window]!
    const leaving = ring[(n - usual - half - 1 + 2 * this.#window) % this.#window]!
    sums[name] += entering - leaving
  }

  #judge({ squares, sums, n }: FrontEndMemory): void {
    const { event, beat, steepness, usual } = this.#halves
    const square = squares[(n - 1 - usual + this.#window) % this.#window]!
    this.judged.square = square
    this.judged.amplitude = Math.sqrt(square)
    this.judged.event = sums.event / (2 * event + 1)
    this.judged.beat = sums.beat / (2 * beat + 1)
    this.judged.steepness = sums.steepness / (2 * steepness + 1)
    this.judged.usual = sums.usual / (2 * usual + 1)
  }

  #median(raw: number[]): number {
    const sorted = this.#sorted
    for (let k = 0; k < raw.length; k++) {
      const value = raw[k]!
      let at = k
      while (at > 0 && sorted[at - 1]! > value) {
        sorted[at] = sorted[at - 1]!
        at--
      }
      sorted[at] = value
    }
    return sorted[(raw.length - 1) / 2]!
  }
}

/** Sample `n` is the newest of the ring. */
function convolve(ring: number[], kernel: Float64Array, n: number): number {
  const { length } = ring
  const split = length - 1 - (n % length)
  let sum = 0
  for (let k = 0; k < split; k++) sum += ring[(n % length) + 1 + k]! * kernel[k]!
  for (let k = split; k < length; k++) sum += ring[k - split]! * kernel[k]!
  return sum
}

/** Two windowed sincs (Hamming), their difference without a constant part. */
function bandKernel(half: number, rateHz: number): Float64Array {
  const kernel = new Float64Array(2 * half + 1)
  const low = (t: number, hz: number) => (t === 0 ? (2 * hz) / rateHz : Math.sin((2 * Math.PI * hz * t) / rateHz) / (Math.PI * t))
  const window = (t: number) => 0.54 + 0.46 * Math.cos((Math.PI * t) / (half + 1))
  let [sum, weight] = [0, 0]
  for (let t = -half; t <= half; t++) {
    kernel[t + half] = (low(t, highHz) - low(t, lowHz)) * window(t)
    sum += kernel[t + half]!
    weight += window(t)
  }
  for (let t = -half; t <= half; t++) kernel[t + half]! -= (sum * window(t)) / weight
  return kernel
}

/** Derivative of a Gaussian: the slope, smoothed over `seconds.slope`; per second. */
function slopeKernel(half: number, rateHz: number): Float64Array {
  const kernel = new Float64Array(2 * half + 1)
  const sigma = seconds.slope * rateHz
  let moment = 0
  for (let t = -half; t <= half; t++) {
    kernel[t + half] = t * Math.exp(-0.5 * (t / sigma) ** 2)
    moment += t * kernel[t + half]!
  }
  return kernel.map((value) => (value * rateHz) / moment)
}
