/**
 * A GPS receiver on a trolley that is pushed about: one fix a second, as GGA, RMC, GSA and GSV. Its time starts on a fixed day,
 * so that the same seed gives the same bytes on any day.
 */
import { checkConfig } from '@millrace/contract/service'
import { z } from 'zod'
import { createRandom } from '../signals/random.ts'
import { createTrack, hospitalCorridor } from '../signals/track.ts'
import { createApart } from './apart.ts'
import { decoderOf } from './decoder-of.ts'
import { makeGarbage } from './garbage.ts'
import type { Emission, InstrumentPlugin } from './instrument.ts'

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
  create({ signal, decoder, seed, device, distinct }) {
    const plugin = decoderOf<DecoderConfig>('nmea-0183')
    const config = checkConfig(plugin.schema, decoder, `decoder ${plugin.kind}`)
    const channels = plugin.channels(config)
    const encode = plugin.createEncoder(config)
    const junk = createRandom(seed, `${device}/garbage`)
    const fix = createTrack(createRandom(seed, device), 1 / rateHz, signal)
    const scales = new Map(channels.map(({ name, scale = 1 }) => [name, scale]))
    const aparts = new Map(channels.map(({ name }) => [name, createApart(distinct, highest[name] ?? Number.POSITIVE_INFINITY)]))
    let utcMs = startMs

    function next(): Emission[] {
      const { latitude, longitude, altitudeM, speedMs, courseDegrees, satellites, hdop } = fix()
      const measured = {
        latitude,
        longitude,
        fix: 1,
        satellites,
        hdop,
        altitude: altitudeM,
        speed: speedMs / metresPerSecondPerKnot,
        course: courseDegrees,
        fix_mode: 3,
        pdop: 1.5 * hdop,
        vdop: 1.2 * hdop,
        satellites_in_view: satellites + 3,
      }
      const values = Object.entries(measured).map(([name, value]): [string, number] => {
        const raw = Math.round(value / scales.get(name)!)
        return [name, aparts.get(name)!(Math.min(raw, highest[name] ?? raw))]
      })
      const bytes = encode({ values: Object.fromEntries(values), extra: { utcMs } })
      const readings: Emission['readings'] = values.filter(([name]) => !isMotion(name) || config.motion === 'RMC')
      if (config.utc) readings.push(['utc', new Date(utcMs).toISOString()])
      utcMs += 1000 / rateHz
      return [{ bytes, frames: bytes.filter((byte) => byte === 0x0a).length, bad: 0, readings, samples: [] }]
    }

    return {
      kind: plugin.kind,
      config,
      channels,
      rateHz,
      next,
      obey: () => false,
      garbage: (bytes) => makeGarbage(plugin.kind, junk, bytes),
    }
  },
}

/** Speed and course stand in RMC, which is sent, and in VTG, which is not. */
function isMotion(channel: string): boolean {
  return channel === 'speed' || channel === 'course'
}
