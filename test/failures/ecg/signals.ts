/** Noise and paced beats of our own, the same for the same seed. */
import { createRandom } from '../../simulation/random.ts'

/** Baseline wander, muscle, and steps of an electrode that moves, as much as the signal has power at so many dB below it. */
export function withNoise(values: number[], rateHz: number, decibels: number): number[] {
  const random = createRandom(1, `ecg/noise/${decibels}`)
  let [wander, muscle, step] = [0, 0, 0]
  const noise = values.map(() => {
    wander = 0.995 * wander + random.normal()
    muscle = 0.9 * muscle + random.normal()
    if (random.next() < 1 / (3 * rateHz)) step += 40 * random.normal()
    step *= 0.99
    return wander + 1.5 * muscle + step + random.normal()
  })
  const factor = Math.sqrt(powerOf(values) / powerOf(noise) / 10 ** (decibels / 10))
  return values.map((value, k) => Math.round(value + factor * noise[k]!))
}

function powerOf(values: number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
}

export interface Paced {
  values: number[]
  /** Largest deflection of each beat, ms. */
  beats: number[]
}

/** Wide beats 40 ms after a spike of 1 to 8 ms, taller than they are; every fifteenth spike captures nothing. */
export function pacedSignal(rateHz: number, seconds: number): Paced {
  const random = createRandom(1, 'ecg/paced')
  const values = new Array<number>(seconds * rateHz).fill(0)
  const beats: number[] = []
  for (let [at, k] = [700, 0]; at < seconds * 1000 - 700; at += 780 + 60 * random.next(), k++) {
    const width = 1 + 7 * random.next()
    const isCaptured = k % 15 !== 14
    if (isCaptured) beats.push(at + 60)
    add(values, rateHz, at, (t) => (t >= 0 && t <= width ? 500 : 0))
    if (isCaptured) add(values, rateHz, at, (t) => 260 * bump(t, 60, 22) - 120 * bump(t, 120, 28) - 70 * bump(t, 330, 50))
  }
  return { values: values.map((value) => Math.round(1000 + value + 12 * (random.next() - 0.5))), beats }
}

function add(values: number[], rateHz: number, fromMs: number, shape: (ms: number) => number): void {
  const first = Math.max(0, Math.ceil(((fromMs - 100) * rateHz) / 1000))
  const last = Math.min(values.length - 1, Math.floor(((fromMs + 600) * rateHz) / 1000))
  for (let k = first; k <= last; k++) values[k]! += shape((k * 1000) / rateHz - fromMs)
}

const bump = (t: number, at: number, sigma: number) => Math.exp(-0.5 * ((t - at) / sigma) ** 2)
