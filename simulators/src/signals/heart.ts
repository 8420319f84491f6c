/**
 * The time between beats. Its spectrum has two humps, as McSharry et al. 2003 (section III) give it: Mayer waves of the
 * blood pressure near 0.1 Hz and respiratory sinus arrhythmia near 0.25 Hz. They make it by an inverse Fourier transform
 * of an amplitude spectrum with random phases; this is the same sum, of eight sines a hump, worked out when it is asked for.
 */
import type { Random } from './random.ts'

export interface HeartOptions {
  /** Mean heart rate, beats a minute. */
  bpm: number
  /** Standard deviation of the heart rate, beats a minute. */
  bpmDeviation: number
  /** Breaths a second. */
  respirationHz: number
}

export interface Heart {
  /** Time from beat to beat at this moment, seconds. */
  beatSeconds(atS: number): number
  /** Breathing as a wave from -1 to 1. */
  breath(atS: number): number
}

export const restingHeart: HeartOptions = { bpm: 72, bpmDeviation: 1.5, respirationHz: 0.25 }

const mayerHz = 0.1
/** Width of either hump, Hz. */
const humpHz = 0.01
/** Power of the Mayer hump over that of the respiratory hump. */
const powerRatio = 0.5
const sinesPerHump = 8

export function createHeart(random: Random, { bpm, bpmDeviation, respirationHz }: HeartOptions): Heart {
  const meanS = 60 / bpm
  const deviationS = (meanS * bpmDeviation) / bpm
  const mayer = hump(random, mayerHz, deviationS * Math.sqrt(powerRatio / (1 + powerRatio)))
  const respiratory = hump(random, respirationHz, deviationS * Math.sqrt(1 / (1 + powerRatio)))
  const breathPhase = 2 * Math.PI * random.next()
  return {
    beatSeconds: (atS) => Math.max(0.25, meanS + mayer(atS) + respiratory(atS)),
    breath: (atS) => Math.sin(2 * Math.PI * respirationHz * atS + breathPhase),
  }
}

/** Sines around `centreHz` whose sum has the given standard deviation. */
function hump(random: Random, centreHz: number, deviation: number): (atS: number) => number {
  const amplitude = deviation * Math.sqrt(2 / sinesPerHump)
  const sines = Array.from({ length: sinesPerHump }, () => ({
    omega: 2 * Math.PI * (centreHz + humpHz * random.normal()),
    phase: 2 * Math.PI * random.next(),
  }))
  return (atS) => sines.reduce((sum, { omega, phase }) => sum + amplitude * Math.sin(omega * atS + phase), 0)
}
