import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createExpectation } from '../recordings/expectation.ts'
import { type Emission, type Instrument, instrumentPlugins } from './index.ts'

/** Fixed, so that a run can be repeated; fast-check prints it with a failure. */
const seed = Number(process.env.MILLRACE_SEED ?? 20261101)

const variants: { name: string; kind: string; decoder: Record<string, unknown> }[] = [
  { name: 'oximeter, new framing', kind: 'contec-cms50', decoder: {} },
  { name: 'oximeter, old framing', kind: 'contec-cms50', decoder: { framing: 'old' } },
  { name: 'amplifier', kind: 'openbci-cyton', decoder: {} },
  { name: 'amplifier with accelerometer', kind: 'openbci-cyton', decoder: { accel: true, rateHz: 500, channels: ['ecg'] } },
  { name: 'receiver', kind: 'nmea-0183', decoder: {} },
  { name: 'receiver, other sentences', kind: 'nmea-0183', decoder: { utc: true, position: 'RMC', motion: 'VTG' } },
]

describe.each(variants)('$name', ({ kind, decoder }) => {
  const plugin = instrumentPlugins.find((one) => one.kind === kind)!
  const create = (options: { seed?: number; distinct?: boolean } = {}): Instrument =>
    plugin.create({ signal: plugin.schema.parse({}), decoder, seed: 1, device: 'device', distinct: false, ...options })
  const play = (instrument: Instrument, moments: number) => Array.from({ length: moments }, () => instrument.next()!).flat()

  it('gives the same bytes for the same seed, and others for another', () => {
    const bytes = (chosen: number) => Buffer.concat(play(create({ seed: chosen }), 200).map((emission) => emission.bytes))
    expect(bytes(1).equals(bytes(1))).toBe(true)
    expect(bytes(1).equals(bytes(2))).toBe(false)
  })

  it('says of each frame what its decoder reads from it', () => {
    const instrument = create()
    const expectation = createExpectation(kind, instrument.config)
    for (const emission of play(instrument, 700)) expect(sorted(emission)).toEqual(sorted(expectation(emission.bytes)))
  })

  it('has no two equal neighbours in a channel when they are to be distinct', () => {
    const before = new Map<string, unknown>()
    const equal: string[] = []
    for (const emission of play(create({ distinct: true }), 2000))
      for (const [channel, value] of values(emission)) {
        if (value === before.get(channel)) equal.push(channel)
        before.set(channel, value)
      }
    expect(equal).toEqual([])
  })

  it('makes garbage that is one bad frame and harms neither neighbour', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 3 }),
        fc.nat(1000),
        (lengths, chosen) => {
          const instrument = create({ seed: chosen })
          const expectation = createExpectation(kind, instrument.config)
          const read = [...play(instrument, 2)]
            .concat(lengths.flatMap((length) => [garbage(instrument.garbage(length)), ...play(instrument, 2)]))
            .map((emission) => ({ emission, found: expectation(emission.bytes) }))
          const sum = (pick: (emission: Emission) => number) => read.reduce((total, { found }) => total + pick(found), 0)
          expect(sum(({ bad }) => bad)).toBe(lengths.length)
          expect(read.flatMap(({ found }) => values(found))).toEqual(read.flatMap(({ emission }) => values(emission)))
        },
      ),
      { seed, numRuns: 30 },
    )
  })
})

it('an oximeter without a finger sends good frames without readings, and goes on when the finger is back', () => {
  const plugin = instrumentPlugins.find((one) => one.kind === 'contec-cms50')!
  const oximeter = plugin.create({ signal: plugin.schema.parse({}), decoder: {}, seed: 1, device: 'd', distinct: true })
  const expectation = createExpectation('contec-cms50', oximeter.config)
  const values = () =>
    oximeter
      .next()!
      .map((emission) => expectation(emission.bytes))
      .map(({ readings }) => readings.length)
  expect(values()).toEqual([2])
  expect(oximeter.obey({ act: 'probe-off' })).toBe(true)
  expect(values()).toEqual([0])
  expect(oximeter.obey({ act: 'probe-on' })).toBe(true)
  expect(values()).toEqual([2])
})

it('an oximeter shows a desaturation as its SpO2', () => {
  const plugin = instrumentPlugins.find((one) => one.kind === 'contec-cms50')!
  const oximeter = plugin.create({ signal: plugin.schema.parse({}), decoder: {}, seed: 1, device: 'd', distinct: false })
  oximeter.obey({ act: 'desaturate', toPercent: 80, durationS: 20 })
  const spo2 = Array.from({ length: 60 * 30 }, () => oximeter.next()![0]!.readings[1]![1] as number)
  expect(spo2.slice(60 * 6, 60 * 14)).toEqual(Array(60 * 8).fill(80))
  expect(spo2.at(-1)).toBeGreaterThan(94)
})

function garbage(bytes: Uint8Array): Emission {
  return { bytes, frames: 0, bad: 1, readings: [], samples: [] }
}

/** By channel, as a sink with one column a channel sees them. */
function values({ readings, samples }: Emission): [string, unknown][] {
  return [...readings, ...samples].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

function sorted({ frames, bad, ...emission }: Emission) {
  return { frames, bad, values: values({ frames, bad, ...emission }) }
}
