import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { describeDecoder } from '../conformance.ts'
import { epochMs, recorder } from '../recorder.ts'
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
