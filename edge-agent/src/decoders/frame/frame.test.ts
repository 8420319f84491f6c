import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig } from '@millrace/platform'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { describeDecoder } from '../conformance.ts'
import type { DecoderPlugin } from '../decoder.ts'
import { decoderPlugins } from '../index.ts'
import { epochMs, recorder } from '../recorder.ts'
import { frame } from './frame.ts'
import type { FrameConfig } from './schema.ts'

const examples = join(import.meta.dirname, 'examples')

function example(name: string): FrameConfig {
  const { kind, ...config } = loadConfig(z.looseObject({ kind: z.literal('frame') }), join(examples, `${name}.yaml`), {})
  return frame.schema.parse(config)
}

const [byte, word] = [255, 65_535].map((max) => fc.integer({ min: 0, max })) as [fc.Arbitrary<number>, fc.Arbitrary<number>]
const frameOf = (values: Record<string, fc.Arbitrary<number>>) => fc.record({ values: fc.record(values) })

/** A made-up device with a length field, a CRC, floats, bits and fields that only one of two types of frames has. */
const variable = frame.schema.parse({
  endian: 'little',
  sync: 'AA 55',
  length: { at: 2, plus: 5, min: 10, max: 20 },
  checksum: { kind: 'crc', width: 16, poly: 0x1021, init: 0xffff, from: 2 },
  fields: [
    { name: 'temperature', at: 4, bytes: 2, type: 'signed', unit: 'Cel', scale: 0.01, offset: -40 },
    { name: 'door', at: 6, bits: [3, 3], type: 'boolean' },
    { name: 'pressure', at: 8, bytes: 4, type: 'float', unit: 'Pa', when: [{ at: 3, is: 2 }] },
    { name: 'energy', at: 12, bytes: 6, endian: 'big', unit: 'W.h', when: [{ at: 3, is: 2 }] },
  ],
})

describeDecoder(frame, join(import.meta.dirname, 'cases'), [
  {
    name: 'CMS50, old framing',
    config: example('contec-cms50-old'),
    frame: frameOf({
      pulse_rate: fc.integer({ min: 1, max: 254 }),
      spo2: fc.integer({ min: 1, max: 100 }),
      pleth: fc.integer({ min: 0, max: 127 }),
    }),
    garbage: fc.uint8Array({ max: 0x7f, minLength: 1, maxLength: 100 }),
    intervalMs: 1000 / 60,
  },
  {
    name: 'PMS5003',
    config: example('plantower-pms5003'),
    frame: frameOf(Object.fromEntries(example('plantower-pms5003').fields.map(({ name }) => [name, word]))),
    garbage: fc.uint8Array({ min: 0x43, minLength: 1, maxLength: 100 }),
    intervalMs: 1000,
  },
  {
    name: 'HxM',
    config: example('zephyr-hxm'),
    frame: frameOf(
      Object.fromEntries(
        example('zephyr-hxm').fields.map(({ name, bytes }) => [
          name,
          bytes === 2 ? word : name === 'heart_rate' ? fc.integer({ min: 1, max: 255 }) : byte,
        ]),
      ),
    ),
    garbage: fc.uint8Array({ min: 0x03, minLength: 1, maxLength: 100 }),
    intervalMs: 1000,
  },
  {
    name: 'length field, CRC-16, floats and fields of one type',
    config: variable,
    frame: fc.oneof(
      fc.record({
        values: fc.record({
          temperature: fc.integer({ min: -32_768, max: 32_767 }),
          door: fc.boolean(),
          pressure: fc.float({ noNaN: true }),
          energy: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
        }),
      }),
      fc.record({ values: fc.record({ temperature: fc.integer({ min: -32_768, max: 32_767 }), door: fc.boolean() }) }),
    ),
    garbage: fc.uint8Array({ max: 0xa9, minLength: 1, maxLength: 100 }),
    intervalMs: 100,
  },
])

/** The decoders that were written for the device. */
const written: [string, string, object][] = [
  ['contec-cms50-old', 'contec-cms50', { framing: 'old' }],
  ['plantower-pms5003', 'plantower-pms', {}],
  ['zephyr-hxm', 'zephyr-hxm', {}],
]

describe.each(written)('the description %s', (name, kind, ownConfig) => {
  const config = example(name)
  const plugin = decoderPlugins[kind]!
  const own = plugin.schema.parse(ownConfig)
  const [described, by] = [() => frame.create(config), () => plugin.create(own)]

  it(`has the link and the channels of ${kind}`, () => {
    expect(frame.link(config)).toEqual(plugin.link(own))
    expect(frame.channels(config)).toEqual(plugin.channels(own))
  })

  it(`gives what ${kind} gives, call for call, on frames, mutated frames and random bytes in any pieces`, () => {
    const encode = plugin.createEncoder(own)
    const value = fc.oneof(fc.constantFrom(0, 1, 100, 127, 254, 255), fc.nat(65_535))
    const values = fc.record(Object.fromEntries(plugin.channels(own).map(({ name: channel }) => [channel, value])))
    const invalid = fc.constantFrom(undefined, undefined, 'probe-off', 'searching')
    const good = fc.record({ values, extra: fc.record({ invalid }) }).map((one) => encode(one))
    const mutated = fc
      .tuple(good, fc.array(fc.tuple(fc.nat(63), fc.nat(255)), { maxLength: 3 }))
      .map(([bytes, changes]) => bytes.map((one, k) => changes.find(([at]) => at === k)?.[1] ?? one))
    const cut = fc
      .tuple(good, fc.nat(63), fc.nat(63))
      .map(([bytes, from, to]) => bytes.slice(Math.min(from, to), Math.max(from, to)))
    const piece = fc.oneof(
      { weight: 3, arbitrary: good },
      { weight: 3, arbitrary: mutated },
      cut,
      fc.uint8Array({ maxLength: 80 }),
    )
    const reset = fc.constant('reset' as const)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof({ weight: 12, arbitrary: piece }, reset), fc.nat(400)), { maxLength: 60 }),
        (list) => {
          expect(runAll(described(), list)).toEqual(runAll(by(), list))
        },
      ),
      { seed: Number(process.env.MILLRACE_SEED ?? 20261101), numRuns: 400 },
    )
  })
})

function runAll(decoder: ReturnType<DecoderPlugin['create']>, list: [Uint8Array | 'reset', number][]): unknown[] {
  const { sink, calls } = recorder()
  let atMs = epochMs
  for (const [piece, laterMs] of list) {
    atMs += laterMs
    if (piece === 'reset') decoder.reset()
    else decoder.decode(piece, atMs, sink)
  }
  return calls
}

it('gives several samples of a frame their times, the last one that of the frame', () => {
  const config = frame.schema.parse({
    sync: '7E',
    length: 8,
    rateHz: 10,
    checksum: { kind: 'xor', from: 1 },
    fields: [{ name: 'ecg', at: 1, bytes: 2, type: 'signed', waveform: true, count: 3, unit: 'mV', scale: 0.01 }],
  })
  expect(frame.channels(config)).toMatchObject([{ kind: 'waveform', datatype: 'Int16Array', intervalMs: 100 / 3 }])
  const encode = frame.createEncoder(config)
  const { sink, calls } = recorder()
  const decoder = frame.create(config)
  for (const k of [0, 1])
    decoder.decode(encode({ values: { ecg: 0 }, extra: { samples: { ecg: [-1, 0, k] } } }), epochMs + 100 * k, sink)
  expect(calls.filter(([kind]) => kind === 'sample').map(([, , atMs, value]) => [Math.round(Number(atMs)), value])).toEqual([
    [-67, -1],
    [-33, 0],
    [0, 0],
    [33, -1],
    [67, 0],
    [100, 1],
  ])
})

it.each([
  ['sync', { length: 4, fields: [{ name: 'a', at: 1 }] }, /sync: says where a frame begins; without it, require must/],
  ['at', { sync: 'AA', length: 4, fields: [{ name: 'a', at: 3, bytes: 2 }] }, /fields.0.at: bytes 3 to 4 are not within the 4/],
  [
    'bits',
    { sync: 'AA', length: 4, fields: [{ name: 'a', at: 1, bits: [4, 9] }] },
    /fields.0.bits: \[4,9\] is not .* bits 0 to 7/,
  ],
  ['one place', { sync: 'AA', length: 4, fields: [{ name: 'a' }] }, /fields.0: set one of at, parts/],
  ['float', { sync: 'AA', length: 4, fields: [{ name: 'a', at: 1, bytes: 2, type: 'float' }] }, /a float .* has 4 or 8 bytes/],
  [
    'name',
    {
      sync: 'AA',
      length: 4,
      fields: [
        { name: 'a', at: 1 },
        { name: 'a', at: 2 },
      ],
    },
    /two fields are called a/,
  ],
  ['waveform', { sync: 'AA', length: 4, fields: [{ name: 'a', at: 1, waveform: true }] }, /set rateHz/],
  ['hex', { sync: 'A', length: 4, fields: [{ name: 'a', at: 1 }] }, /sync: is bytes in hex, such as "42 4D"/],
  [
    'field',
    { sync: 'AA', length: 4, fields: [{ name: 'a', at: 1, when: [{ field: 'b', is: 1 }] }] },
    /fields.0.when.0.field: b is not a field; the fields are a/,
  ],
])('refuses a description that cannot be right: %s', (_, config, message) => {
  const { error } = frame.schema.safeParse(config)
  expect(error!.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')).toMatch(message)
})

it('has an example for each device that the tests compare', () => {
  expect(readdirSync(examples).sort()).toEqual(written.map(([name]) => `${name}.yaml`).sort())
})
