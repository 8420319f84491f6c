/**
 * A biosignal amplifier on a resting person: at 250 frames a second eight inputs. The first is a lead of the ECG, the second
 * another one with less amplitude, the third breathing, as changes of impedance show it; the rest are the alpha waves of
 * somebody with closed eyes. Amplifier noise on all of them.
 */
import { checkConfig } from '@millrace/contract/service'
import { z } from 'zod'
import { createEcg } from '../signals/ecg.ts'
import { createHeart, restingHeart } from '../signals/heart.ts'
import { createRandom } from '../signals/random.ts'
import { createApart } from './apart.ts'
import { decoderOf } from './decoder-of.ts'
import { makeGarbage } from './garbage.ts'
import type { Emission, InstrumentPlugin } from './instrument.ts'

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

export const openbciCyton: InstrumentPlugin<z.infer<typeof schema>> = {
  kind: 'openbci-cyton',
  schema,
  create({ signal, decoder, seed, device, distinct }) {
    const plugin = decoderOf<DecoderConfig>('openbci-cyton')
    const config = checkConfig(plugin.schema, decoder, `decoder ${plugin.kind}`)
    const encode = plugin.createEncoder(config)
    const channels = plugin.channels(config)
    const inputs = channels.filter((channel) => channel.kind === 'waveform')
    const [random, junk] = [createRandom(seed, device), createRandom(seed, `${device}/garbage`)]
    const heart = createHeart(random, { ...signal, bpm: signal.bpm ?? 60 + random.below(25) })
    const ecg = createEcg(heart, 1 / config.rateHz)
    const phases = inputs.map(() => 2 * Math.PI * random.next())
    const apart = channels.map(() => createApart(distinct, highest))
    let frame = 0

    function microvolts(input: number, ecgMicrovolts: number, atS: number): number {
      if (input === 0) return ecgMicrovolts
      if (input === 1) return secondLead * ecgMicrovolts
      if (input === 2) return breathMicrovolts * heart.breath(atS)
      const waxing = 0.5 + 0.5 * Math.sin(2 * Math.PI * alpha.waxingHz * atS + phases[0]!)
      return alpha.microvolts * waxing * Math.sin(2 * Math.PI * alpha.hz * atS + phases[input]!)
    }

    function next(): Emission[] {
      const atS = frame / config.rateHz
      const ecgMicrovolts = ecg() * 1000
      const samples: Emission['samples'] = inputs.map(({ name, unit, scale = 1, offset = 0 }, k) => {
        const value = microvolts(k, ecgMicrovolts, atS) + signal.noiseMicrovolts * random.normal()
        return [name, apart[k]!(Math.round(((unit === 'mV' ? value / 1000 : value) - offset) / scale))]
      })
      const readings = config.accel && frame % framesPerAccel === 0 ? accelerate() : []
      frame++
      return [{ bytes: encode({ values: Object.fromEntries([...samples, ...readings]) }), frames: 1, bad: 0, readings, samples }]
    }

    /** Lying still: 1 g downwards, and a little trembling. */
    function accelerate(): [string, number][] {
      const tremble = () => Math.round(0.005 * countsPerG * random.normal())
      const axes = [tremble(), tremble(), countsPerG + tremble()]
      return ['accel_x', 'accel_y', 'accel_z'].map((name, k) => [name, apart[inputs.length + k]!(axes[k]!)])
    }

    return {
      kind: plugin.kind,
      config,
      channels,
      rateHz: config.rateHz,
      next,
      obey: () => false,
      garbage: (bytes) => makeGarbage(plugin.kind, junk, bytes),
    }
  },
}
