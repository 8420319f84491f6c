/**
 * A fingertip oximeter on a resting person: 60 frames a second of pleth, pulse rate and SpO2. As the real one does, it shows
 * the pulse rate and the saturation averaged over some seconds. With the finger out it sends frames that say so.
 */
import { checkConfig } from '@millrace/contract/service'
import { z } from 'zod'
import { createHeart, restingHeart } from '../signals/heart.ts'
import { createPleth } from '../signals/pleth.ts'
import { createRandom } from '../signals/random.ts'
import { createSaturation, restingSaturation } from '../signals/saturation.ts'
import { type Apart, createApart } from './apart.ts'
import { decoderOf } from './decoder-of.ts'
import { makeGarbage } from './garbage.ts'
import type { Emission, InstrumentPlugin } from './instrument.ts'

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

export const contecCms50: InstrumentPlugin<z.infer<typeof schema>> = {
  kind: 'contec-cms50',
  schema,
  create({ signal, decoder, seed, device, distinct }) {
    const plugin = decoderOf('contec-cms50')
    const config = checkConfig(plugin.schema, decoder, `decoder ${plugin.kind}`)
    const encode = plugin.createEncoder(config)
    const random = createRandom(seed, device)
    const bpm = signal.bpm ?? 60 + random.below(25)
    const heart = createHeart(random, { ...signal, bpm })
    const pleth = createPleth(heart, 1 / rateHz, random.next())
    const saturation = createSaturation(random, 1 / rateHz, signal)
    const average = createAverage(bpm)
    const [apartRate, apartSpo2, apartPleth] = [254, 100, plethHighest].map((highest) => createApart(distinct, highest)) as [
      Apart,
      Apart,
      Apart,
    ]
    const junk = createRandom(seed, `${device}/garbage`)
    let probe: 'on' | 'off' = 'on'

    function next(): Emission[] {
      const { bpm, value } = pleth()
      const [meanBpm, percent] = [average(bpm), saturation.next()]
      if (probe === 'off') return [noFinger]
      const rate = apartRate(Math.round(meanBpm))
      const spo2 = apartSpo2(Math.max(1, Math.round(percent)))
      const wave = apartPleth(Math.round(value * plethHighest))
      return [
        {
          bytes: encode({ values: { pulse_rate: rate, spo2, pleth: wave } }),
          frames: 1,
          bad: 0,
          readings: [
            ['pulse_rate', rate],
            ['spo2', spo2],
          ],
          samples: [['pleth', wave]],
        },
      ]
    }
    const noFinger: Emission = {
      bytes: encode({ values: {}, extra: { invalid: 'probe-off' } }),
      frames: 1,
      bad: 0,
      readings: [],
      samples: [],
    }
    return {
      kind: plugin.kind,
      config,
      channels: plugin.channels(config),
      rateHz,
      next,
      obey(order) {
        if (order.act === 'desaturate') saturation.desaturate(order.toPercent, order.durationS)
        else probe = order.act === 'probe-off' ? 'off' : 'on'
        return true
      },
      garbage: (bytes) => makeGarbage(plugin.kind, junk, bytes),
    }
  },
}

function createAverage(start: number): (value: number) => number {
  const pull = 1 / (averageS * rateHz)
  let mean = start
  return (value) => {
    mean += pull * (value - mean)
    return mean
  }
}
