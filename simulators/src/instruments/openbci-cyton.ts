/**
 * A biosignal amplifier on a resting person: at 250 frames a second eight inputs. The first is a lead of the ECG, the second
 * another one with less amplitude, the third breathing, as changes of impedance show it; the rest are the alpha waves of
 * a person with closed eyes. Amplifier noise on all of them.
 */
import { z } from 'zod'
import { createEcg } from '../signals/ecg.ts'
import { createHeart, restingHeart } from '../signals/heart.ts'
import { createRandom, type Random } from '../signals/random.ts'
import { createApart } from './apart.ts'
import { bytesBetween } from './garbage.ts'
import type { Emission, InstrumentPlugin } from './instrument.ts'
import { throughDecoder } from './through-decoder.ts'

const schema = z.strictObject({
  bpm: z.number().min(30).max(220).optional().describe('Mean heart rate, /min. Left out: each device its own, 60 to 84.'),
  bpmDeviation: z.number().min(0).default(restingHeart.bpmDeviation).describe('Standard deviation of the heart rate, /min.'),
  respirationHz: z.number().min(0.05).max(1).default(restingHeart.respirationHz).describe('Breaths a second.'),
  noiseMicrovolts: z.number().min(0).default(3).describe('Standard deviation of the noise of an input, uV.'),
})

const secondLead = 0.6
const breathMicrovolts = 400
const alpha = { hz: 10, microvolts: 25, waxingHz: 0.3 }
const highest = 2 ** 23 - 1
/** The accelerometer is sampled once in so many frames, 25 times a second. */
const framesPerAccel = 10
const countsPerG = 16 / 0.002

interface DecoderConfig {
  rateHz: number
  accel: boolean
}

type Signal = z.infer<typeof schema>

export const openbciCyton: InstrumentPlugin<Signal> = {
  kind: 'openbci-cyton',
  schema,
  // A frame starts with A0.
  garbage: (random, bytes) => bytesBetween(random, 0x00, 0x9f, bytes),
  create(options) {
    const { config, channels, encode, instrument } = throughDecoder<DecoderConfig>(openbciCyton, options)
    const inputs = channels.filter((channel) => channel.kind === 'waveform')
    const random = createRandom(options.seed, options.device)
    const person = createPerson(options.signal, random, { inputs: inputs.length, rateHz: config.rateHz })
    const apart = channels.map(() => createApart(options.distinct, highest))
    let frame = 0
    return {
      ...instrument,
      rateHz: config.rateHz,
      next() {
        const microvolts = person(frame / config.rateHz)
        const samples: Emission['samples'] = inputs.map(({ name, unit, scale = 1, offset = 0 }, k) => {
          const value = microvolts(k)
          return [name, apart[k]!(Math.round(((unit === 'mV' ? value / 1000 : value) - offset) / scale))]
        })
        const isAccel = config.accel && frame % framesPerAccel === 0
        const readings = isAccel
          ? accelerate(random).map(([name, v], k): [string, number] => [name, apart[inputs.length + k]!(v)])
          : []
        frame++
        return [
          { bytes: encode({ values: Object.fromEntries([...samples, ...readings]) }), frames: 1, bad: 0, readings, samples },
        ]
      },
      obey: () => false,
    }
  },
}

/** What each input measures at a time, noise included. Ask in the order of time, and of the inputs. */
function createPerson(signal: Signal, random: Random, { inputs, rateHz }: { inputs: number; rateHz: number }) {
  const heart = createHeart(random, { ...signal, bpm: signal.bpm ?? 60 + random.below(25) })
  const ecg = createEcg(heart, 1 / rateHz)
  const phases = Array.from({ length: inputs }, () => 2 * Math.PI * random.next())
  const alphaWave = (atS: number, phase: number) => {
    const waxing = 0.5 + 0.5 * Math.sin(2 * Math.PI * alpha.waxingHz * atS + phases[0]!)
    return alpha.microvolts * waxing * Math.sin(2 * Math.PI * alpha.hz * atS + phase)
  }
  return (atS: number) => {
    const ecgMicrovolts = ecg() * 1000
    return (input: number): number => {
      const noise = signal.noiseMicrovolts * random.normal()
      if (input === 0) return ecgMicrovolts + noise
      if (input === 1) return secondLead * ecgMicrovolts + noise
      return (input === 2 ? breathMicrovolts * heart.breath(atS) : alphaWave(atS, phases[input]!)) + noise
    }
  }
}

/** Lying still: 1 g downwards, and a little trembling. */
function accelerate(random: Random): [string, number][] {
  const tremble = () => Math.round(0.005 * countsPerG * random.normal())
  return [
    ['accel_x', tremble()],
    ['accel_y', tremble()],
    ['accel_z', countsPerG + tremble()],
  ]
}
