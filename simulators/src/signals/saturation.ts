/**
 * Oxygen saturation: a slow drift around a resting value (an Ornstein-Uhlenbeck process: each moment pulled back, each
 * moment pushed by chance), and scripted desaturations laid over it. A desaturation falls and recovers along half a
 * cosine, as the averaging of an oximeter makes it look.
 */
import type { Random } from './random.ts'

export interface SaturationOptions {
  restPercent: number
  /** Standard deviation of the drift, percent. */
  driftPercent: number
}

export const restingSaturation: SaturationOptions = { restPercent: 97, driftPercent: 0.6 }

export interface Saturation {
  /** Next value in percent, `intervalS` after the last. */
  next(): number
  /** Begins now: falls to `toPercent`, holds, and is back at rest after `durationS`. */
  desaturate(toPercent: number, durationS: number): void
}

/** How long the drift remembers, seconds. */
const driftMemoryS = 20
/** Part of a desaturation spent falling, and as much again recovering. */
const slope = 0.25

export function createSaturation(random: Random, intervalS: number, options: SaturationOptions): Saturation {
  const pull = Math.exp(-intervalS / driftMemoryS)
  const push = options.driftPercent * Math.sqrt(1 - pull * pull)
  let drift = options.driftPercent * random.normal()
  let atS = 0
  let dip: { fromS: number; durationS: number; toPercent: number } | undefined
  return {
    next() {
      drift = drift * pull + push * random.normal()
      const rest = options.restPercent + drift
      const depth = dip ? depthAt((atS - dip.fromS) / dip.durationS) : 0
      const value = rest + depth * ((dip?.toPercent ?? 0) - rest)
      atS += intervalS
      return Math.min(100, Math.max(0, value))
    },
    desaturate(toPercent, durationS) {
      dip = { fromS: atS, durationS, toPercent }
    },
  }
}

/** 0 at rest, 1 at the bottom; `part` runs from 0 to 1 over the desaturation. */
function depthAt(part: number): number {
  if (part <= 0 || part >= 1) return 0
  const edge = Math.min(part, 1 - part) / slope
  return edge >= 1 ? 1 : 0.5 - 0.5 * Math.cos(Math.PI * edge)
}
