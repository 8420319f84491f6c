/**
 * Photoplethysmogram: the volume of blood in a finger, which follows the beats. One beat is the sum of two Gaussian
 * functions of the beat's phase, the systolic wave and the dicrotic one after it (the model of Q. Tang, Z. Chen, R. Ward,
 * M. Elgendi, "Synthetic photoplethysmogram generation using two Gaussian functions", Scientific Reports 10:13883, 2020;
 * the parameters are ours, for a pulse with a visible notch). Breathing changes the height of the pulses by some percent.
 */
import type { Heart } from './heart.ts'

const systolic = { height: 0.95, phase: -Math.PI / 2, width: 0.6 }
const dicrotic = { height: 0.42, phase: Math.PI / 5, width: 0.75 }
const breathDepth = 0.06

export interface Pleth {
  /** 0 to 1. */
  value: number
  /** Beats a minute of the present beat. */
  bpm: number
}

/** A function that returns the next sample, `intervalS` after the last; `phase` (0 to 1) is where in a beat it starts. */
export function createPleth(heart: Heart, intervalS: number, phase = 0): () => Pleth {
  let beat = phase
  let atS = 0
  return () => {
    const beatSeconds = heart.beatSeconds(atS)
    const value = pulse((beat - 0.5) * 2 * Math.PI) * (1 - breathDepth * (1 + heart.breath(atS)))
    beat = (beat + intervalS / beatSeconds) % 1
    atS += intervalS
    return { value: Math.min(1, Math.max(0, value)), bpm: 60 / beatSeconds }
  }
}

function pulse(theta: number): number {
  return gaussian(theta, systolic) + gaussian(theta, dicrotic)
}

function gaussian(theta: number, { height, phase, width }: typeof systolic): number {
  const distance = (theta - phase) / width
  return height * Math.exp(-0.5 * distance * distance)
}
