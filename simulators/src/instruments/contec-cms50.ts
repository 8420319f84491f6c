/**
 * A fingertip oximeter on a resting person: 60 frames a second of pleth, pulse rate and SpO2. As the real one does, it shows
 * the pulse rate and the saturation averaged over some seconds. With the finger out it sends frames that say so.
 */
import { z } from 'zod'
import { createHeart, restingHeart } from '../signals/heart.ts'
import { createPleth } from '../signals/pleth.ts'
import { createRandom, type Random } from '../signals/random.ts'
import { createSaturation, restingSaturation } from '../signals/saturation.ts'
import { type Apart, createApart } from './apart.ts'
import { bytesBetween } from './garbage.ts'
import type { Emission, InstrumentPlugin } from './instrument.ts'
import { throughDecoder } from './through-decoder.ts'

const schema = z.strictObject({
  bpm: z.number().min(30).max(220).optional().describe('Mean pulse rate, /min. Left out: each device its own, 60 to 84.'),
  bpmDeviation: z.number().min(0).default(restingHeart.bpmDeviation).describe('Standard deviation of the pulse rate, /min.'),
  respirationHz: z.number().min(0.05).max(1).default(restingHeart.respirationHz).describe('Breaths a second.'),
  restPercent: z.number().min(50).max(100).default(restingSaturation.restPercent).describe('Resting SpO2, %.'),
  driftPercent: z.number().min(0).max(5).default(restingSaturation.driftPercent).describe('Standard deviation of its drift, %.'),
})

const rateHz = 60
const plethHighest = 127
/** Time constant of the averages that the display shows. */
const averageS = 4

type Signal = z.infer<typeof schema>

export const contecCms50: InstrumentPlugin<Signal> = {
  kind: 'contec-cms50',
  schema,
  // The new framing's types are 01 to 1F and its other bytes have bit 7 set; the old one's first byte has.
  garbage: (random, bytes) => bytesBetween(random, 0x20, 0x7f, bytes),
  create(options) {
    const { encode, instrument } = throughDecoder(contecCms50, options)
    const finger = createFinger(options.signal, createRandom(options.seed, options.device))
    const round = createRounding(options.distinct)
    const noFinger = frameOf(encode({ values: {}, extra: { invalid: 'probe-off' } }))
    let probe: 'on' | 'off' = 'on'
    return {
      ...instrument,
      rateHz,
      next() {
        const measured = finger.next()
        if (probe === 'off') return [noFinger]
        const { pulse_rate, spo2, pleth } = round(measured)
        const readings: Emission['readings'] = [
          ['pulse_rate', pulse_rate],
          ['spo2', spo2],
        ]
        return [{ ...frameOf(encode({ values: { pulse_rate, spo2, pleth } })), readings, samples: [['pleth', pleth]] }]
      },
      obey(order) {
        if (order.act === 'desaturate') finger.desaturate(order.toPercent, order.durationS)
        else probe = order.act === 'probe-off' ? 'off' : 'on'
        return true
      },
    }
  },
}

const frameOf = (bytes: Uint8Array): Emission => ({ bytes, frames: 1, bad: 0, readings: [], samples: [] })

interface Measured {
  bpm: number
  percent: number
  /** 0 to 1. */
  pleth: number
}

function createFinger(signal: Signal, random: Random) {
  const bpm = signal.bpm ?? 60 + random.below(25)
  const pleth = createPleth(createHeart(random, { ...signal, bpm }), 1 / rateHz, random.next())
  const saturation = createSaturation(random, 1 / rateHz, signal)
  const average = createAverage(bpm)
  return {
    next(): Measured {
      const beat = pleth()
      return { bpm: average(beat.bpm), percent: saturation.next(), pleth: beat.value }
    },
    desaturate: (toPercent: number, durationS: number) => saturation.desaturate(toPercent, durationS),
  }
}

/** To what the display can show. */
function createRounding(distinct: boolean) {
  const [rate, spo2, wave] = [254, 100, plethHighest].map((highest) => createApart(distinct, highest)) as [Apart, Apart, Apart]
  return ({ bpm, percent, pleth }: Measured) => ({
    pulse_rate: rate(Math.round(bpm)),
    spo2: spo2(Math.max(1, Math.round(percent))),
    pleth: wave(Math.round(pleth * plethHighest)),
  })
}

function createAverage(start: number): (value: number) => number {
  const pull = 1 / (averageS * rateHz)
  let mean = start
  return (value) => {
    mean += pull * (value - mean)
    return mean
  }
}
