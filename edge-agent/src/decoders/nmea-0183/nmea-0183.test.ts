import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeDecoder } from '../conformance.ts'
import { type Call, epochMs, recorder } from '../recorder.ts'
import { formatDecimal, parseAngle, parseDecimal } from './decimal.ts'
import { checksum } from './lines.ts'
import { nmea0183 } from './nmea-0183.ts'

const up = (max: number, min = 0) => fc.integer({ min, max })
const config = nmea0183.schema.parse({})
const values = fc.record({
  latitude: up(540_000_000, -540_000_000),
  longitude: up(1_080_000_000, -1_080_000_000),
  fix: up(8, 1),
  satellites: up(60),
  hdop: up(9999),
  altitude: up(50_000_000, -500_000),
  speed: up(999_999),
  course: up(36_000),
  fix_mode: up(3, 2),
  pdop: up(9999),
  vdop: up(9999),
  satellites_in_view: up(60),
})
/** Anything but a line feed, `$` and `!`, and not blank: such a stretch is one line. */
const garbage = fc
  .uint8Array({ minLength: 1, maxLength: 100 })
  .map((bytes) => bytes.map((byte) => ([0x0a, 0x0d, 0x21, 0x24].includes(byte) ? 0x41 : byte)))

describeDecoder(nmea0183, join(import.meta.dirname, 'cases'), [
  { name: 'defaults', config, frame: fc.record({ values }), garbage, intervalMs: 1000 },
])

function decode(text: string | Uint8Array, given: object = {}, atMs = epochMs): Call[] {
  const { sink, calls } = recorder()
  nmea0183.create(nmea0183.schema.parse(given)).decode(Buffer.from(text), atMs, sink)
  return calls
}

const line = (body: string) => `$${body}*${checksum(body).toString(16).padStart(2, '0')}\r\n`

describe('a line', () => {
  it('of a channel that comes twice in one arrival has the time of that arrival', () => {
    const body = 'GPGSV,1,1,07'
    expect(decode(line(body) + line(body)).filter(([kind]) => kind === 'reading')).toEqual([
      ['reading', 'satellites_in_view', 0, 7],
      ['reading', 'satellites_in_view', 0, 7],
    ])
  })

  it('that is endless is cut into bounded reports', () => {
    const calls = decode(new Uint8Array(10_000).fill(0x41))
    expect(calls.map(([kind, , reason, bytes]) => [kind, reason, `${bytes}`.length / 2])).toEqual([
      ['bad', 'too-long', 4096],
      ['bad', 'too-long', 4096],
    ])
    expect(decode(`$${'A'.repeat(200)}\n`)[0]![2]).toBe('too-long')
  })

  it('without checksum is read when none is required', () => {
    expect(decode('$GPGSV,1,1,07\n', { requireChecksum: false })).toContainEqual(['reading', 'satellites_in_view', 0, 7])
  })

  it('with a field that is no number is malformed as a whole', () => {
    const calls = decode(line('GPGGA,1,5222.3215,N,00454.5778,E,1,4,2.9x,16.0,M,47.0,M,,'))
    expect(calls.map((call) => call[2])).toEqual(['malformed'])
  })
})

describe('decimal text', () => {
  it('becomes the integer that it says, without a binary fraction in between', () => {
    expect(parseDecimal('0.58', 3)).toBe(580)
    expect(parseDecimal('-12.3', 3)).toBe(-12_300)
    expect(parseDecimal('1.005', 2)).toBe(101)
    expect(parseDecimal('00460.0', 3)).toBe(460_000)
    expect(parseDecimal('1e3', 0)).toBeUndefined()
    expect(parseAngle('9000.0000', 'N', 'NS', 90)).toBe(540_000_000)
    expect(parseAngle('9000.0001', 'N', 'NS', 90)).toBeUndefined()
    expect(parseAngle('5260.1000', 'N', 'NS', 90)).toBeUndefined()
  })

  it('reads back as it was written', () => {
    const any = fc.tuple(up(999_999_999, -999_999_999), up(6))
    fc.assert(
      fc.property(any, ([value, decimals]) => {
        expect(parseDecimal(formatDecimal(value, decimals), decimals)).toBe(value)
      }),
      { seed: Number(process.env.MILLRACE_SEED ?? 20261101) },
    )
  })
})

const recordings = join(
  process.env.MILLRACE_RECORDINGS ?? join(import.meta.dirname, '../../../../../shared/recordings'),
  'gps-nmea',
)

describe('recordings of real receivers', () => {
  if (!existsSync(recordings)) {
    it.skip(`are read line by line (skipped: no ${recordings}; set MILLRACE_RECORDINGS to the folder of recordings)`)
    return
  }
  const files = ['gps.log', ...readdirSync(join(recordings, 'gpsd')).map((name) => join('gpsd', name))]
  it.each(files.filter((name) => name.endsWith('.log')))('%s: every line is a good frame or one bad line', (name) => {
    const lines = readFileSync(join(recordings, name), 'latin1')
      .split('\n')
      .filter((text) => !text.startsWith('#'))
    const { sink, calls } = recorder()
    const decoder = nmea0183.create(nmea0183.schema.parse({ utc: true }))
    for (const [k, text] of lines.entries()) decoder.decode(Buffer.from(`${text}\n`, 'latin1'), epochMs + 100 * k, sink)
    const pieces = lines.flatMap((text) => text.split(/(?=[$!])/)).filter((text) => text.trim() !== '')
    const good = pieces.filter((text) => {
      const match = /^\$([^*]*)\*([0-9A-F]{2})\r?$/.exec(text)
      return match && Number.parseInt(match[2]!, 16) === checksum(match[1]!)
    })
    const count = (kind: string) => calls.filter((call) => call[0] === kind).length
    expect(count('frame')).toBe(good.length)
    expect(count('bad')).toBe(pieces.length - good.length)
    expect(count('reading')).toBeGreaterThan(0)
    expect(calls.filter((call) => call[0] === 'bad' && call[2] === 'malformed' && good.includes(`${call[3]}`))).toEqual([])
  })

  it('gps.log: gives all 1,202 positions of a yacht, each exactly as written', () => {
    const text = readFileSync(join(recordings, 'gps.log'), 'latin1')
    const written = [...text.matchAll(/GGA,[^,]*,(\d\d)(\d\d)\.(\d{4}),N/g)].map(
      ([, degrees, minutes, rest]) => Number(degrees) * 6_000_000 + Number(`${minutes}${rest}0`),
    )
    const calls = decode(Buffer.from(`${text}\n`, 'latin1'))
    expect(calls.filter((call) => call[1] === 'latitude').map((call) => call[3])).toEqual(written)
    expect(written).toHaveLength(1202)
  })
})
