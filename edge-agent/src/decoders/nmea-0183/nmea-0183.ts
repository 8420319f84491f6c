/**
 * NMEA 0183: what GPS receivers and ships' instruments say, 4800 8N1 unless set otherwise, lines of ASCII:
 *
 *     $GPRMC,085411.000,A,5222.3215,N,00454.5778,E,0.58,251.34,030414,,,A*63\r\n
 *
 * `$` (or `!`), address, fields, `*`, XOR of the bytes between `$` and `*` in hex. The fields are in sentences.ts. Numbers
 * become integers exactly as written: angles in units of 10^-5 minutes (more digits are rounded), and so on by scale.
 *
 * - A reading's time is the arrival of the end of its line. GPS time is the text channel `utc`, if wanted.
 * - One sentence is the source of each channel, so that GGA and RMC do not both give a position in the same millisecond.
 * - A line is judged when the next line feed or `$` ends it. What is wrong with it is the reason: `not-ascii`, `too-long`,
 *   `malformed`, `no-checksum`, `checksum`. A sentence with fields missing or out of their ranges (shapes.ts) is malformed as a
 *   whole, and says nothing of any channel. Sentences and talkers that are not known are good frames without readings.
 * - A TAG block (`\s:rPort,c:1600000000*1F\`) before a sentence is checked and passed over: it names the line of a multiplexer.
 * Sources: NMEA 0183 as described in gpsd's "NMEA Revealed"; captures of gpsd's test suite.
 */
import type { Channel } from '@millrace/contract'
import { z } from 'zod'
import type { Decoder, DecoderPlugin, Sink } from '../decoder.ts'
import { createEncoder } from './encoder.ts'
import { createLines } from './lines.ts'
import { SatellitesInView } from './satellites.ts'
import { type Found, readSentence } from './sentences.ts'

const schema = z.strictObject({
  baudRate: z.number().int().positive().default(4800).describe('4800 by the norm; many receivers say 9600'),
  requireChecksum: z.boolean().default(true).describe('A line without checksum is bad'),
  lineBytesMax: z.number().int().min(82).max(4096).default(120).describe('The norm says 82; receivers say more'),
  position: z.enum(['GGA', 'RMC']).default('GGA').describe('Sentence that latitude and longitude are read from'),
  motion: z.enum(['RMC', 'VTG']).default('RMC').describe('Sentence that speed and course are read from'),
  utc: z.boolean().default(false).describe('Give the time of RMC as text channel'),
})
export type Config = z.infer<typeof schema>

export const nmea0183: DecoderPlugin<Config> = {
  kind: 'nmea-0183',
  schema,
  link: ({ baudRate }) => ({ baudRate, dataBits: 8, parity: 'none', stopBits: 1 }),
  channels: ({ utc }) => (utc ? [...channels, utcChannel] : channels),
  create,
  createEncoder: () => createEncoder(),
}

const angle = { kind: 'number', datatype: 'Int32', unit: 'deg', scale: 1 / 6_000_000 } as const
const dilution = { kind: 'number', datatype: 'Int32', unit: '1', scale: 0.01 } as const
const channels: Channel[] = [
  { name: 'latitude', ...angle, range: [-90, 90] },
  { name: 'longitude', ...angle, range: [-180, 180] },
  { name: 'fix', kind: 'number', datatype: 'Int16', unit: '1', range: [0, 9] },
  { name: 'satellites', kind: 'number', datatype: 'Int16', unit: '1' },
  { name: 'hdop', ...dilution },
  { name: 'altitude', kind: 'number', datatype: 'Int32', unit: 'm', scale: 0.001 },
  { name: 'speed', kind: 'number', datatype: 'Int32', unit: '[kn_i]', scale: 0.001 },
  { name: 'course', kind: 'number', datatype: 'Int32', unit: 'deg', scale: 0.01, range: [0, 360] },
  { name: 'fix_mode', kind: 'number', datatype: 'Int16', unit: '1', range: [1, 3] },
  { name: 'pdop', ...dilution },
  { name: 'vdop', ...dilution },
  { name: 'satellites_in_view', kind: 'number', datatype: 'Int16', unit: '1' },
]
const utcChannel: Channel = { name: 'utc', kind: 'text', datatype: 'String', unit: '1' }

function create(config: Config): Decoder {
  const absent = new Set<string>()
  const inView = new SatellitesInView()
  const sources = { ...config, inView }

  function onLine(line: string, atMs: number, sink: Sink): string | undefined {
    const fields = line.slice(1, line.lastIndexOf('*') < 0 ? undefined : line.lastIndexOf('*')).split(',')
    const found = readSentence(fields, sources)
    if (found === 'malformed') return 'malformed'
    sink.frame()
    if (found) give(found, atMs, sink)
    return undefined
  }

  function give(found: Found, atMs: number, sink: Sink): void {
    for (const [channel, value] of found) {
      if (value !== undefined) {
        absent.delete(channel)
        sink.reading(channel, atMs, value)
      } else if (!absent.has(channel)) {
        absent.add(channel)
        sink.absent(channel, atMs, 'searching')
      }
    }
  }

  const lines = createLines(config, onLine)
  return {
    decode: lines.decode,
    reset() {
      lines.reset()
      absent.clear()
      inView.reset()
    },
  }
}
