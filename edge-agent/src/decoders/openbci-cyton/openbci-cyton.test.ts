import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeDecoder } from '../conformance.ts'
import { type Call, epochMs, recorder } from '../recorder.ts'
import { openbciCyton } from './openbci-cyton.ts'

const int24 = fc.integer({ min: -(2 ** 23), max: 2 ** 23 - 1 })
const eight = openbciCyton.schema.parse({})
const ecg = openbciCyton.schema.parse({
  rateHz: 360,
  channels: [{ name: 'MLII', unit: 'mV', scale: 1 / 200, code: 'mdc:131330' }, 'V5'],
  accel: true,
})
const inputs = (names: string[]) => fc.record(Object.fromEntries(names.map((name) => [name, int24])))
const axis = fc.integer({ min: 1, max: 2 ** 15 - 1 })

describeDecoder(openbciCyton, join(import.meta.dirname, 'cases'), [
  {
    name: 'eight channels',
    config: eight,
    frame: fc.record({ values: inputs(eight.channels as string[]) }),
    garbage: fc.uint8Array({ max: 0x9f, minLength: 1, maxLength: 100 }),
    intervalMs: 4,
  },
  {
    name: 'two channels at 360 Hz with accelerometer',
    config: ecg,
    frame: fc
      .tuple(inputs(['MLII', 'V5']), fc.record({ accel_x: axis, accel_y: axis, accel_z: axis }))
      .map(([first, second]) => ({ values: { ...first, ...second } })),
    garbage: fc.uint8Array({ max: 0x9f, minLength: 1, maxLength: 100 }),
    intervalMs: 1000 / 360,
  },
  {
    name: 'with a Daisy, in pairs',
    config: openbciCyton.schema.parse({ board: 'cyton-daisy' }),
    frame: fc.record({ values: inputs(Array.from({ length: 16 }, (_, k) => `ch${k + 1}`)) }),
    garbage: fc.uint8Array({ max: 0x9f, minLength: 1, maxLength: 100 }),
    intervalMs: 8,
  },
])

it('declares an input with its own unit, scale and code, and the others in microvolts at the gain', () => {
  const [, , , first, second] = openbciCyton.channels(ecg)
  expect(first).toMatchObject({ name: 'MLII', unit: 'mV', scale: 1 / 200, code: 'mdc:131330', intervalMs: 1000 / 360 })
  expect(second).toMatchObject({ name: 'V5', unit: 'uV' })
  expect(second!.scale).toBeCloseTo(0.02235, 5)
})

it('reports frames that the sample number says were lost, and leaves room for them in time', () => {
  const encode = openbciCyton.createEncoder(eight)
  const { sink, calls } = recorder()
  const decoder = openbciCyton.create(eight)
  for (const number of [254, 255, 0, 5, 6])
    decoder.decode(encode({ values: {}, extra: { number } }), epochMs + 4 * ((number + 2) % 256), sink)
  expect(calls.filter(([kind]) => kind === 'bad')).toEqual([['bad', 28, 'frames-lost:4', '']])
  expect(calls.filter((call) => call[1] === 'ch1').map((call) => call[2])).toEqual([0, 4, 8, 28, 32])
})

it('is not taken in by data that looks like a frame', () => {
  const config = openbciCyton.schema.parse({ channels: ['a', 'b'] })
  const encode = openbciCyton.createEncoder(config)
  // C0 at byte 2 and A0 at byte 3 of every frame: a false frame starts at byte 3 of each and ends at byte 2 of the next.
  const frames = Array.from({ length: 20 }, () => encode({ values: { a: (0xc0 << 16) - 2 ** 24 + 0xa000, b: 1 } }))
  const { sink, calls } = recorder()
  openbciCyton.create(config).decode(Buffer.concat(frames).subarray(3), epochMs, sink)
  expect(calls.filter((call) => call[1] === 'b').map((call) => call[3])).toEqual([0, ...Array(18).fill(1)])
})

describe('a Cyton with a Daisy', () => {
  const daisy = openbciCyton.schema.parse({ board: 'cyton-daisy' })
  const banner = (daisyId: string) =>
    `OpenBCI V3 8-16 channel\nOn Board ADS1299 Device ID: 0x3E\n${daisyId}LIS3DH Device ID: 0x33\nFirmware: v3.1.2\n$$$`
  const withDaisy = banner('On Daisy ADS1299 Device ID: 0x3E\n')
  const plain = openbciCyton.createEncoder(eight)
  const frame = (number: number, value: number) =>
    plain({ values: Object.fromEntries((eight.channels as string[]).map((name) => [name, value])), extra: { number } })
  /** Even frames are the Daisy's, odd ones the Cyton's. */
  const alternating = (count: number, first = 0) =>
    Array.from({ length: count }, (_, k) => frame((first + k) % 256, (first + k) % 2 === 0 ? -k : k))
  const decode = (config: typeof eight, parts: Uint8Array[]) => {
    const { sink, calls } = recorder()
    const decoder = openbciCyton.create(config)
    for (const [k, bytes] of parts.entries()) decoder.decode(bytes, epochMs + 4 * k, sink)
    return calls
  }
  const valuesOf = (calls: Call[], channel: string) => calls.filter((call) => call[1] === channel).map((call) => call[3])
  const timesOf = (calls: Call[], channel: string) => calls.filter((call) => call[1] === channel).map((call) => Number(call[2]))

  it('has 16 channels at 125 Hz', () => {
    const channels = openbciCyton.channels(daisy)
    expect(channels.map(({ name }) => name)).toEqual(Array.from({ length: 16 }, (_, k) => `ch${k + 1}`))
    expect(channels.map(({ intervalMs }) => intervalMs)).toEqual(Array(16).fill(8))
  })

  it('over the dongle has the odd frames in ch1 to ch8 and the even ones in ch9 to ch16', () => {
    for (const first of [0, 1, 254, 255]) {
      const calls = decode(daisy, [Buffer.from(withDaisy), ...alternating(12, first)])
      const [cyton, other] = [valuesOf(calls, 'ch1'), valuesOf(calls, 'ch9')].map((values) => values.map(Number)) as [
        number[],
        number[],
      ]
      expect([cyton.length, other.length, cyton.every((v) => v >= 0), other.every((v) => v <= 0)]).toEqual([6, 6, true, true])
      expect(valuesOf(calls, 'ch8')).toEqual(cyton)
      expect(valuesOf(calls, 'ch16')).toEqual(other)
    }
    const times = timesOf(decode(daisy, alternating(400)), 'ch3').slice(50)
    const steps = times.slice(1).map((t, k) => t - times[k]!)
    for (const step of steps) expect(step).toBeCloseTo(8, 0)
  })

  it('over the WiFi shield has two frames of one number as one sample, also when it begins or is cut amid a pair', () => {
    const pairs = Array.from({ length: 20 }, (_, k) => [frame(k, k + 1), frame(k, -k - 1)]).flat()
    for (const from of [0, 1]) {
      const calls = decode(daisy, pairs.slice(from))
      expect(valuesOf(calls, 'ch1')).toEqual(Array.from({ length: 20 - from }, (_, k) => k + from + 1))
      expect(valuesOf(calls, 'ch9')).toEqual(valuesOf(calls, 'ch1').map((v) => -Number(v)))
    }
    const calls = decode(daisy, pairs.toSpliced(10, 1))
    expect(valuesOf(calls, 'ch9')).toEqual(valuesOf(calls, 'ch1').map((v) => -Number(v)))
    expect(valuesOf(calls, 'ch1')).toHaveLength(19)
  })

  it('goes on with the right half after lost frames', () => {
    const frames = alternating(40)
    const calls = decode(daisy, [...frames.slice(0, 11), ...frames.slice(14)])
    expect(valuesOf(calls, 'ch1').every((v) => Number(v) >= 0)).toBe(true)
    expect(valuesOf(calls, 'ch9').every((v) => Number(v) <= 0)).toBe(true)
    expect(calls).toContainEqual(['bad', expect.any(Number), 'frames-lost:3', ''])
  })

  it('is refused with the remedy under the plain setting, and gives nothing', () => {
    const calls = decode(eight, [Buffer.from(withDaisy), ...alternating(12)])
    expect(calls.filter(([kind]) => kind === 'refuse')).toEqual([['refuse', expect.stringContaining('set board: cyton-daisy')]])
    expect(calls.filter(([kind]) => kind === 'sample' || kind === 'frame')).toEqual([])
    expect(calls.filter(([kind]) => kind === 'bad').map((call) => call[2])).toEqual(
      expect.arrayContaining([expect.stringContaining('set board: cyton-daisy')]),
    )
  })

  it('is refused under the plain setting by its pairs of frames, where no banner came', () => {
    const pairs = Array.from({ length: 20 }, (_, k) => [frame(k, k + 1), frame(k, -k - 1)]).flat()
    expect(decode(eight, pairs).filter(([kind]) => kind === 'refuse')).toHaveLength(1)
  })

  it('is refused with the remedy where the banner names none, and read again after a reset', () => {
    const { sink, calls } = recorder()
    const decoder = openbciCyton.create(daisy)
    for (const bytes of [Buffer.from(banner('')), ...alternating(4)]) decoder.decode(bytes, epochMs, sink)
    expect(calls.filter(([kind]) => kind === 'refuse' || kind === 'sample')).toEqual([
      ['refuse', expect.stringContaining('set board: cyton')],
    ])
    decoder.reset()
    for (const bytes of alternating(8)) decoder.decode(bytes, epochMs, sink)
    expect(valuesOf(calls, 'ch1')).not.toEqual([])
  })

  it('leaves a plain Cyton with its banner alone', () => {
    const calls = decode(eight, [Buffer.from(banner('')), ...alternating(4)])
    expect(calls.filter(([kind]) => kind === 'frame')).toHaveLength(4)
  })
})
