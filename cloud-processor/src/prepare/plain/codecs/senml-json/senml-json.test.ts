import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arrivedMs, holds, plainOf, testCodec } from '../conformance.ts'
import { senmlJson } from './senml-json.ts'

const config = plainOf({
  filter: 'senml/+',
  codec: 'senml-json',
  channels: [
    { name: 'temperature', path: 'temp', unit: 'Cel', payloadUnit: 'Cel' },
    { name: 'level', path: 'level' },
    { name: 'energy', path: 'power#sum', unit: 'J' },
    { name: 'label', path: 'label', kind: 'text' },
    { name: 'open', path: 'open', kind: 'boolean' },
    { name: 'room', path: '_room' },
  ],
})
const read = (pack: unknown, changed = config) => senmlJson.decode(Buffer.from(JSON.stringify(pack)), changed, arrivedMs)
const columns = (pack: unknown) => read(pack).devices[0]?.columns.channels
const broken = (pack: unknown) => read(pack).broken.map(({ place, detail }) => `${place}: ${detail}`)
const at = 1_700_000_000

describe('SenML in JSON', () => {
  test('has base fields from their record on, until they are given again', () => {
    const pack = [
      { bn: 'urn:dev:mac:0a1b:', bt: at, bu: 'Cel', bv: 20, n: 'temp', v: 1.5 },
      { n: 'temp', t: 2, v: -1 },
      { bt: at + 100, bv: 0, n: 'temp', t: -0.25, v: 21 },
      { bn: '', n: 'label', vs: 'x' },
    ]
    expect(columns(pack)).toEqual({
      temperature: { t: [at * 1000, at * 1000 + 2000, at * 1000 + 99_750], v: [21.5, 19, 21] },
      label: { t: [at * 1000 + 100_000], v: ['x'] },
    })
  })

  test('has a time below 2^28 seconds from its arrival, before or behind', () => {
    const pack = [
      { n: 'level', v: 1 },
      { n: 'level', t: -10, v: 2 },
      { bt: -5, n: 'level', t: 6, v: 3 },
      { bt: 0, n: 'level', t: 2 ** 28, v: 4 },
    ]
    expect(columns(pack)!.level!.t).toEqual([arrivedMs, arrivedMs - 10_000, arrivedMs + 1000, 2 ** 28 * 1000])
    expect(read(pack).isTimed).toBe(false)
    expect(read(pack.slice(3)).isTimed).toBe(true)
  })

  test('has texts, booleans, data as base64url, and sums', () => {
    const pack = [
      { bt: at, bs: 10, n: 'power', v: 5, s: 2.5 },
      { n: 'power', t: 1 },
      { n: 'power', t: 2, s: 0 },
      { n: 'open', vb: true },
      { n: 'label', vd: 'aGk' },
    ]
    const { devices, broken } = read(pack)
    expect(devices[0]!.columns.channels).toEqual({
      energy: { t: [at * 1000, at * 1000 + 2000], v: [12.5, 10] },
      open: { t: [at * 1000], v: [true] },
      label: { t: [at * 1000], v: ['aGk'] },
    })
    expect(broken).toEqual([{ place: 1, detail: 'there is no value' }])
  })

  test('has channels by the end of the name, the longest first, and devices by what stands before it', () => {
    const several = plainOf({ ...config, device: '{base}' })
    const { devices } = read(
      [
        { bn: 'ward/a/', bt: at, n: 'level', v: 1 },
        { bn: 'ward/b', n: '_room', v: 2 },
        { bn: 'ward/a/', n: 'sublevel', v: 3 },
        { bn: '', n: 'level', v: 4 },
      ],
      several,
    )
    expect(devices.map(({ labels, columns }) => [labels, columns.channels])).toEqual([
      [{ base: 'ward/a' }, { level: { t: [at * 1000], v: [1] } }],
      [{ base: 'ward/b' }, { room: { t: [at * 1000], v: [2] } }],
      [{}, { level: { t: [at * 1000], v: [4] } }],
    ])
  })

  test('rejects one record that cannot be read, and its neighbours go on', () => {
    const bad = [
      7,
      { n: 'level', v: '5' },
      { n: 'level', v: 1, vs: 'x' },
      { n: 'level' },
      { n: '-level', v: 1 },
      { n: 'level', v: 1, must_: true },
      { n: 'label', vd: 'a+b' },
      { n: 'level', t: 'noon', v: 1 },
    ]
    const pack = bad.flatMap((record) => [record, { n: 'level', v: 1 }])
    expect(columns(pack)!.level!.v).toEqual(bad.map(() => 1))
    expect(broken(pack)).toEqual([
      '0: a record is a map of labels',
      '2: field v is not what it must be',
      '4: more than one value',
      '6: there is no value',
      '8: "-level" is not a name',
      '10: field must_ must be understood and is not',
      '12: field vd is not what it must be',
      '14: field t is not what it must be',
    ])
  })

  test('rejects what stands behind a base field that is not usable, until it is given again', () => {
    const pack = [
      { bt: 'noon', n: 'level', v: 1 },
      { n: 'level', v: 2 },
      { bt: at, n: 'level', v: 3 },
    ]
    expect(columns(pack)!.level!.v).toEqual([3])
    expect(broken(pack)).toEqual(['0', '1'].map((place) => `${place}: base field bt of record 0 is not usable`))
    expect(broken([{ bnew_: 1 }, { n: 'level', v: 2 }])).toHaveLength(2)
  })

  test('rejects one value of another unit or kind', () => {
    const { devices } = read([
      { n: 'temp', u: 'K', v: 300 },
      { n: 'temp', u: 'Cel', v: 20 },
      { n: 'open', v: 1 },
    ])
    expect(devices[0]!.problems.map(({ detail }) => detail)).toEqual(['temp is in K, not in Cel', '1 at "open" is not a boolean'])
    expect(devices[0]!.columns.channels).toMatchObject({ temperature: { v: [20] } })
  })

  test('is refused whole when it is of a later version, is not an array, or holds none of the channels', () => {
    expect(() => read([{ bver: 11, n: 'level', v: 1 }])).toThrow('version 11 is not known')
    expect(() => read({ n: 'level', v: 1 })).toThrow('an array')
    expect(() => read([{ n: 'other', v: 1 }])).toThrow('there is nothing at "temp"')
    expect(read([]).devices).toEqual([])
  })

  test('comes out as it was put in, whatever of it stands in base fields', () => {
    const record = fc.record({
      n: fc.constantFrom('level', 'room/level'),
      v: fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
      ms: fc.nat(10_000_000),
      useBase: fc.boolean(),
    })
    holds(
      fc.property(fc.array(record, { minLength: 1, maxLength: 30 }), (records) => {
        const pack = records.map(({ n, v, ms, useBase }) =>
          useBase ? { bn: 'a:', bt: at, bv: 0, n, t: ms / 1000, v } : { bn: `a:${n}`, bt: at + ms / 1000, bv: v, v: 0 },
        )
        const got = columns(pack)!.level!
        expect(got.t).toEqual(records.map(({ ms }) => at * 1000 + ms))
        expect(got.v).toEqual(records.map(({ v }) => v + 0))
      }),
    )
  })

  const sample = Buffer.from(
    JSON.stringify([
      { bn: 'a:', bt: at, n: 'level', v: 1.5 },
      { n: 'label', vs: 'é' },
      { n: 'open', vb: false },
    ]),
  )
  testCodec(senmlJson, config, [sample])
})
