/**
 * A GPS receiver on a trolley that is pushed about: one fix a second, as GGA, RMC, GSA and GSV. Its time starts on a fixed day,
 * so that the same seed gives the same bytes on any day.
 */
import type { Channel } from '@millrace/contract'
import { z } from 'zod'
import { createRandom } from '../signals/random.ts'
import { createTrack, hospitalCorridor } from '../signals/track.ts'
import { createApart } from './apart.ts'
import { bytesBetween } from './garbage.ts'
import type { Emission, InstrumentPlugin } from './instrument.ts'
import { throughDecoder } from './through-decoder.ts'

const schema = z.strictObject({
  latitude: z.number().min(-89).max(89).default(hospitalCorridor.latitude).describe('Of the start, degrees.'),
  longitude: z.number().min(-179).max(179).default(hospitalCorridor.longitude).describe('Of the start, degrees.'),
  altitudeM: z.number().default(hospitalCorridor.altitudeM),
  speedMs: z.number().min(0).default(hospitalCorridor.speedMs).describe('Usual speed, m/s.'),
  radiusM: z.number().min(1).default(hospitalCorridor.radiusM).describe('Turned back when further than this from the start.'),
})

/** 2026-01-01T12:00:00Z */
const startMs = 1_767_268_800_000
const rateHz = 1
const metresPerSecondPerKnot = 1852 / 3600
/** What a channel may be at most; a course of 360 degrees is written 0. */
const highest: Record<string, number> = { fix: 2, fix_mode: 3, course: 35_999 }

interface DecoderConfig {
  motion: 'RMC' | 'VTG'
  utc: boolean
}

export const nmea0183: InstrumentPlugin<z.infer<typeof schema>> = {
  kind: 'nmea-0183',
  schema,
  // A line of capitals of at least two bytes: an empty one is nothing, and `$` and `!` begin a sentence.
  garbage: (random, bytes) => Uint8Array.of(...bytesBetween(random, 0x41, 0x5a, Math.max(1, bytes - 1)), 0x0a),
  create(options) {
    const { config, channels, encode, instrument } = throughDecoder<DecoderConfig>(nmea0183, options)
    const fix = createTrack(createRandom(options.seed, options.device), 1 / rateHz, options.signal)
    const round = createRounding(channels, options.distinct)
    let utcMs = startMs
    return {
      ...instrument,
      rateHz,
      next() {
        const values = round(measuredAt(fix()))
        const bytes = encode({ values: Object.fromEntries(values), extra: { utcMs } })
        const readings: Emission['readings'] = values.filter(([name]) => !isMotion(name) || config.motion === 'RMC')
        if (config.utc) readings.push(['utc', new Date(utcMs).toISOString()])
        utcMs += 1000 / rateHz
        return [{ bytes, frames: bytes.filter((byte) => byte === 0x0a).length, bad: 0, readings, samples: [] }]
      },
      obey: () => false,
    }
  },
}

/** Values by channel, in the channels' units. */
function measuredAt({ altitudeM, speedMs, courseDegrees, ...fix }: ReturnType<ReturnType<typeof createTrack>>) {
  return {
    latitude: fix.latitude,
    longitude: fix.longitude,
    fix: 1,
    satellites: fix.satellites,
    hdop: fix.hdop,
    altitude: altitudeM,
    speed: speedMs / metresPerSecondPerKnot,
    course: courseDegrees,
    fix_mode: 3,
    pdop: 1.5 * fix.hdop,
    vdop: 1.2 * fix.hdop,
    satellites_in_view: fix.satellites + 3,
  }
}

/** To the whole numbers that the channels have. */
function createRounding(channels: Channel[], distinct: boolean) {
  const scales = new Map(channels.map(({ name, scale = 1 }) => [name, scale]))
  const aparts = new Map(channels.map(({ name }) => [name, createApart(distinct, highest[name] ?? Number.POSITIVE_INFINITY)]))
  return (measured: Record<string, number>) =>
    Object.entries(measured).map(([name, value]): [string, number] => {
      const raw = Math.round(value / scales.get(name)!)
      return [name, aparts.get(name)!(Math.min(raw, highest[name] ?? raw))]
    })
}

/** Speed and course are in RMC, which is sent, and in VTG, which is not. */
function isMotion(channel: string): boolean {
  return channel === 'speed' || channel === 'course'
}
