import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeDecoder } from '../conformance.ts'
import { formatDecimal, parseDecimal } from '../decimal.ts'
import { type Call, epochMs, recorder } from '../recorder.ts'
import { parseAngle } from './angle.ts'
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

  it('that cannot become a sentence is reported within two seconds, one that may waits for its end', () => {
    const chunks = (first: string) => {
      const { sink, calls } = recorder()
      const decoder = nmea0183.create(config)
      for (const [k, text] of [first, '', '', line('GPGSV,1,1,07').slice(first === '$GPGSV' ? 6 : 0)].entries())
        decoder.decode(Buffer.from(text, 'latin1'), epochMs + 1000 * k, sink)
      return calls
    }
    expect(chunks('\x80\xc0').slice(0, 2)).toEqual([['bad', 2000, 'not-ascii', '80c0'], ['frame']])
    expect(chunks('garbage')[0]).toEqual(['bad', 2000, 'malformed', Buffer.from('garbage').toString('hex')])
    expect(chunks('$GPGSV')).toEqual([['frame'], ['reading', 'satellites_in_view', 3000, 7]])
  })

  it('without checksum is read when none is required', () => {
    expect(decode('$GPGSV,1,1,07\n', { requireChecksum: false })).toContainEqual(['reading', 'satellites_in_view', 0, 7])
  })

  it('with a field that is not a number is malformed as a whole', () => {
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

describe('a sentence that its sender cut short, with a right checksum', () => {
  const whole = [
    'GPRMC,181535.000,A,5936.7900,N,01801.0000,E,3.5,84.4,290926,,,A',
    'GPGGA,181538.000,5936.7900,N,01801.0000,E,1,08,0.9,545.4,M,46.9,M,,',
    'IIVTG,84.4,T,,M,5.5,N,10.2,K,A',
  ]
  const atFields = [...whole, 'GPGSA,A,3,16,23,13,29,,,,,,,,,3.11,2.95,0.99', 'GPGSV,3,1,10,8,13,62,35,13,50,277,39,18,18,324,33']
  const config = { motion: 'VTG', utc: true }

  it('is malformed as a whole, or says the same', () => {
    for (const body of atFields) {
      const expected = decode(line(body), config)
      const cuts = [...body].flatMap((letter, at) => (at > 5 && (whole.includes(body) || letter === ',') ? [at] : []))
      for (const at of cuts) {
        const text = line(body.slice(0, at))
        const calls = decode(text, config)
        const isBad = calls.length === 1 && calls[0]![2] === 'malformed'
        const isSilent = calls.every(([kind]) => kind === 'frame')
        if (!isBad && !isSilent) expect([text, calls]).toEqual([text, expected])
      }
      if (body.startsWith('GPGSV')) continue
      expect(decode(line(body.slice(0, body.lastIndexOf(',', body.length / 2))), config)).toMatchObject([
        ['bad', 0, 'malformed', expect.any(String)],
      ])
    }
  })

  it.each([
    'GPRMC,181536.000,A,5936.79K,D',
    'GPGGA,181538.000,5936.7900,N,01801.0000,E,1,08,0.9',
    'GPVTG,84.4,T',
    'GPGSA,A,3',
    'GPGSV,3,1',
    'GPGSV,3,1,10,8,13',
    'GPGGA,120003.00,4860.000,N,01131.000,E,1,08,0.9,10,M,1,M,,',
    'GPGGA,120003.00,9100.000,N,01131.000,E,1,08,0.9,10,M,1,M,,',
    'GPGGA,120003.00,4807.000,N,18100.000,E,1,08,0.9,10,M,1,M,,',
    'GPGGA,250003.00,4807.000,N,01131.000,E,1,08,0.9,10,M,1,M,,',
    'GPGGA,120003.00,4807.000,E,01131.000,N,1,08,0.9,10,M,1,M,,',
    'GPGGA,120003.00,4807.000,N,01131.000,E,1,08,-0.9,10,M,1,M,,',
    'GPGGA,120003.00,4807.000,N,01131.000,E,1,-8,0.9,10,M,1,M,,',
    'GPRMC,120004,A,4807.038,N,01131.000,W,-1.0,360.0,290926,,,A',
    'GPRMC,120004,A,4807.038,N,01131.000,W,1.0,361.0,290926,,,A',
    'GPRMC,120004,A,4807.038,N,01131.000,W,1.0,36.0,310226,,,A',
    'GPRMC,120004,X,4807.038,N,01131.000,W,1.0,36.0,290926,,,A',
    'GPRMC,120000.00,A,4807.038,N,01131.000,E,1,2,290907',
    'GPVTG,84.4,T,,M,-5.5,N,10.2,K,A',
    'GPGSA,A,4,,,,,,,,,,,,,3.11,2.95,0.99',
  ])('%s is malformed, and tells no absence', (body) => {
    expect(decode(line(body)).map((call) => call[2])).toEqual(['malformed'])
  })

  it.each([
    'IIVTG,,T,,M,5.5,N,10.2,K',
    'GPRMC,120005,A,4807.038,N,01131.000,W,5.0,084.4,290926,003.1,W',
    'GPRMC,235960.00,A,4807.038,N,01131.000,E,022.4,084.4,311216,,,A',
    'GPRMC,080919.091,V,,,,,0.00,0.00,231113,,,N',
    'GNGGA,120001.00,4807.03812345,N,01131.00012345,E,4,12,0.55,545.412,M,46.900,M,1.0,0000,EXTRA',
    'GNRMC,120000.00,A,5222.3215,N,00454.5778,E,0.58,251.34,290926,,,A,V',
    'GNGSA,M,3,05,12,20,,,,,,,,,,1.7,0.9,1.5,1',
    'GPGSV,,3,,14,33,150,40,28,26,155,37',
  ])('%s is a good frame', (body) => {
    expect(decode(line(body))[0]).toEqual(['frame'])
  })
})

describe('satellites in view', () => {
  const inView = (...bodies: string[]) =>
    decode(bodies.map(line).join('')).flatMap((call) => (call[1] === 'satellites_in_view' ? [call[3]] : []))
  const signal1 = 'GPGSV,3,1,09,10,23,294,32,12,41,226,30,13,48,232,28,15,35,189,27,1'
  const second = 'GPGSV,3,2,09,17,32,056,16,19,43,099,24,20,15,163,17,23,18,259,32,1'
  const signal8 = 'GPGSV,1,1,03,12,41,301,44,20,71,312,40,05,49,232,47,8'
  const others = [
    'GLGSV,1,1,04,73,12,066,,76,07,251,,82,07,354,,84,15,099,,0',
    'GAGSV,2,1,05,02,77,135,34,07,46,300,31,08,66,190,32,12,08,020,18,7',
  ]

  it('are one value an epoch, of the lowest signal', () => {
    const epoch = [signal1, second, signal8, ...others]
    expect(inView(...epoch, ...epoch, ...epoch)).toEqual([9, 9, 9])
    expect(inView(signal8, ...others, ...epoch, ...epoch)).toEqual([9, 9])
  })

  it('follow another signal when the one is no longer sent', () => {
    expect(inView(signal1, signal8, signal8, signal8, signal8)).toEqual([9, 3, 3, 3])
    expect(inView(signal8, signal8)).toEqual([3])
  })

  it('come without a signal from receivers before NMEA 4.10', () => {
    expect(
      inView(
        'GPGSV,3,1,10,8,13,62,35,13,50,277,39,18,18,324,33,5,53,228,38',
        'GPGSV,,2,,7,43,71,39,30,73,107,38,27,13,26,34,15,14,289,37',
      ),
    ).toEqual([10])
  })
})

describe('a TAG block', () => {
  const tag = (body: string, sum = checksum(body)) => `\\${body}*${sum.toString(16).toUpperCase().padStart(2, '0')}\\`
  const sentence = line('GPGSV,1,1,07')

  it('before a sentence is passed over, and its sentence read', () => {
    expect(decode(tag('s:rPort,c:1600000000') + sentence)).toEqual(decode(sentence))
    expect(decode(`${tag('g:1-2-34')}\r\n${sentence}`)).toEqual(decode(sentence))
  })

  it('with a wrong checksum is bad, and its sentence read', () => {
    expect(decode(tag('s:rPort', 0) + sentence)).toMatchObject([['bad', 0, 'checksum', expect.any(String)], ...decode(sentence)])
  })
})
