import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFeed } from '../../testing/feed.ts'
import { holds } from '../codecs/conformance.ts'
import { epochMs, readTime } from './payload-time.ts'

const at = Date.UTC(2026, 10, 29, 7, 24, 1)
const berlin = { zone: 'Europe/Berlin' }

/** What this machine's zone is must not show. */
const zones = ['UTC', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Apia']
const before = process.env.TZ
describe.each(zones)('on a machine in %s', (zone) => {
  beforeAll(() => {
    process.env.TZ = zone
  })
  afterAll(() => {
    if (before === undefined) delete process.env.TZ
    else process.env.TZ = before
  })

  test.each([
    ['2026-11-29T07:24:01Z', at],
    ['2026-11-29T07:24:01.000Z', at],
    ['2026-11-29 07:24:01z', at],
    ['2026-11-29t08:24:01.0009+01:00', at],
    ['2026-11-29T03:54:01,5-03:30', at + 500],
    ['2026-11-29T08:24:01+0100', at],
    ['2026-11-29T07:24Z', at - 1000],
    ['20261129T072401Z', at],
    ['20261129T072401.25+01', at - 3_600_000 + 250],
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
    ['2017-01-01T00:59:60.5+01:00', Date.UTC(2017, 0, 1) + 500],
    [`${at}`, at],
    [at, at],
    [at + 0.9, at],
    [BigInt(at), at],
  ])('%s is that time', (value, ms) => expect(readTime(value, {})).toBe(ms))

  test.each([
    ['2026-11-29T07:24:01', at - 3_600_000],
    ['2026-11-29 07:24:02', at - 3_600_000 + 1000],
    ['2026-07-01T12:00:00', Date.UTC(2026, 6, 1, 10)],
  ])('%s is read in the configured zone and rejected without one', (text, ms) => {
    expect(readTime(text, berlin)).toBe(ms)
    expect(readTime(text, {})).toContain('has no offset from UTC: set zone')
  })

  test.each([
    '2026-11-29 7:2:03',
    '04.05.2026 06:00',
    '04.05.2026',
    'sensor 7',
    'battery low 3',
    '2020-10-11T22:59:05.-00072Z',
    '2026-02-31T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-29T24:00:00Z',
    '2026-11-29T07:60:00Z',
    '2026-11-29T07:24:60Z',
    '2026-11-29T07:24:01+24:00',
    '2026-11-29T07:24:01 +01:00',
    '2026-11-29',
    '20261129T07:24:01Z',
    '2026-W48-7T00:00:00Z',
    '2026-333T00:00:00Z',
    '26-11-29T07:24:01Z',
    '11/10/2026',
    'Sun, 29 Nov 2026 07:24:01 GMT',
    'Nov 29 2026',
    ' 2026-11-29T07:24:01Z',
    '1e12',
    '0x10',
    '',
    'now',
    true,
    null,
    {},
    [[at]],
    Number.NaN,
    1e300,
  ])('%j is rejected by name', (value) => {
    if (typeof value === 'string' && !/\d/.test(value)) return expect(readTime(value, berlin)).toBe('is not epoch ms or ISO 8601')
    expect(readTime(value, berlin)).toContain('is not a time')
    if (typeof value === 'string') expect(readTime(value, berlin)).toContain(value.slice(0, 38))
  })
})

test('a local time that was left out or came twice when clocks were set is rejected', () => {
  expect(readTime('2026-03-29T02:30:00', berlin)).toContain('was left out')
  expect(readTime('2026-10-25T02:30:00', berlin)).toContain('came twice')
  expect(readTime('2026-10-25T01:59:59', berlin)).toBe(Date.UTC(2026, 9, 24, 23, 59, 59))
  expect(readTime('2026-10-25T03:00:00', berlin)).toBe(Date.UTC(2026, 9, 25, 2))
})

test.each([
  ['s', '1795937041.25', 1_795_937_041_250],
  ['s', '-0.0015', -2],
  ['ms', '1795937041250.9', 1_795_937_041_250],
  ['us', '1795937041250999', 1_795_937_041_250],
  ['ns', '1795937041250999999', 1_795_937_041_250],
  ['ns', '-1', -1],
  ['us', '5', 0],
] as const)('an epoch in %s, %s, is rounded down to ms', (unit, text, ms) => expect(epochMs(text, unit)).toBe(ms))

test('whatever toISOString writes is read back, and an epoch in every unit', () => {
  holds(
    fc.property(fc.integer({ min: Date.UTC(100, 0), max: Date.UTC(9999, 0) }), (ms) => {
      expect(readTime(new Date(ms).toISOString(), {})).toBe(ms)
      expect(readTime(ms, {})).toBe(ms)
      expect(readTime(`${BigInt(ms) * 1_000_000n}`, { precision: 'ns' })).toBe(ms)
      expect(readTime(BigInt(ms) * 1000n, { precision: 'us' })).toBe(ms)
      expect(readTime(ms / 1000, { precision: 's' })).toBe(ms)
    }),
    2000,
  )
})

test('any text is a time or is rejected, the same on every machine', () => {
  const texts = fc.oneof(fc.string(), fc.stringMatching(/^[0-9:.TZ+ -]{1,30}$/))
  holds(
    fc.property(texts, fc.constantFrom(...zones), (text, zone) => {
      const here = readTime(text, berlin)
      process.env.TZ = zone
      expect(readTime(text, berlin)).toBe(here)
    }),
    2000,
  )
})

describe('through prepare', () => {
  const nowS = Math.floor(at / 1000)
  const entry = { filter: 'p/#', device: 'd', time: 't', channels: [{ name: 'v', path: 'v' }] }
  const send = (text: string, more: object = {}) => {
    const feed = createFeed({ plain: [{ ...entry, ...more }] })
    return { feed, ...feed.message('p/x', Buffer.from(text), at) }
  }
  const readings = ({ timeline }: ReturnType<typeof send>) => timeline.filter(({ k }) => k === 'readings')

  test.each([
    [`{"t":${nowS},"v":21.1}`, nowS * 1000],
    [`{"t":"${nowS}","v":21.2}`, nowS * 1000],
    [`{"t":${nowS}.5,"v":21.3}`, nowS * 1000 + 500],
  ])('%s is in seconds where precision says so, else rejected with that hint', (text, ms) => {
    expect(readings(send(text, { precision: 's' }))).toMatchObject([{ channels: { v: { t: [ms] } } }])
    const { rejected } = send(text)
    expect(rejected).toMatchObject([
      { reason: 'PREPARE_TIME', detail: expect.stringMatching(/plausible as seconds$/), lost: [1, 0] },
    ])
  })

  test.each([
    ['influx-line', `m v=1 ${at}`, 'milliseconds'],
    ['senml-json', `[{"n":"v","v":1,"t":${at}}]`, 'milliseconds'],
    ['json', `{"t":${at}123456,"v":1}`, 'nanoseconds'],
  ])('%s: %s is rejected with the hint at %s', (codec, text, unit) => {
    const channels = [{ name: 'v', path: codec === 'influx-line' ? 'm.v' : 'v' }]
    const feed = createFeed({
      plain: [{ filter: 'p/#', device: 'd', codec, channels, ...(codec === 'json' ? { time: 't' } : {}) }],
    })
    expect(feed.message('p/x', Buffer.from(text), at).rejected).toMatchObject([
      { reason: 'PREPARE_TIME', detail: expect.stringContaining(`plausible as ${unit}`) },
    ])
  })

  test('a local time that was rejected is stored when it is replayed with a zone', () => {
    const text = '{"t":"2026-11-29T07:24:01","v":1}'
    const { feed, rejected } = send(text)
    expect(rejected).toMatchObject([{ reason: 'PREPARE_READING', lost: [1, 0] }])
    feed.reconfigure({ plain: [{ ...entry, zone: 'Europe/Berlin' }] })
    expect(feed.replay('p/x', Buffer.from(text), at).timeline).toMatchObject([
      { k: 'readings', channels: { v: { t: [at - 3_600_000] } } },
    ])
  })

  test('a zone that does not exist is refused', () => {
    expect(() => createFeed({ plain: [{ ...entry, zone: 'Mars/Olympus' } as never] })).toThrow('is not a zone')
  })
})
