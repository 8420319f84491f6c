import { encode } from 'cborg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arrivedMs, holds, plainOf, testCodec } from '../conformance.ts'
import { senmlJson } from '../senml-json/senml-json.ts'
import { senmlCbor } from './senml-cbor.ts'

const channels = [
  { name: 'level', path: 'level' },
  { name: 'label', path: 'label', kind: 'text' as const },
  { name: 'open', path: 'open', kind: 'boolean' as const },
]
const config = plainOf({ filter: 'senml/+', codec: 'senml-cbor', channels })
const jsonConfig = plainOf({ filter: 'senml/+', codec: 'senml-json', channels })
const at = 1_700_000_000

const labels: Record<string, number> = {
  bver: -1,
  bn: -2,
  bt: -3,
  bu: -4,
  bv: -5,
  bs: -6,
  n: 0,
  u: 1,
  v: 2,
  vs: 3,
  vb: 4,
  s: 5,
  t: 6,
  ut: 7,
  vd: 8,
}
const packed = (pack: Record<string, unknown>[]) =>
  encode(pack.map((record) => new Map(Object.entries(record).map(([label, value]) => [labels[label] ?? label, value]))))
const read = (bytes: Uint8Array) => senmlCbor.decode(bytes, config, arrivedMs)
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('SenML in CBOR', () => {
  test('is read from its bytes', () => {
    // [{-2: "a:", -3: 1700000000, 0: "level", 2: 23.5}, {0: "level", 6: 1, 2: 24}], the float in half precision
    const bytes = hex('82 a4 21 62 613a 22 1a 6553f100 00 65 6c6576656c 02 f9 4de0  a3 00 65 6c6576656c 06 01 02 18 18')
    expect(read(bytes).devices[0]!.columns.channels).toEqual({ level: { t: [at * 1000, at * 1000 + 1000], v: [23.5, 24] } })
  })

  test('is taken with arrays and maps of unknown length, and with wide integers', () => {
    expect(read(hex('9f bf 00 65 6c6576656c 02 1a 00000005 ff ff')).devices[0]!.columns.channels.level!.v).toEqual([5])
  })

  test('has decimal fractions, rounded once', () => {
    // [{0: "level", 2: 4([-2, 2715])}]
    const bytes = hex('81 a2 00 65 6c6576656c 02 c4 82 21 19 0a9b')
    expect(read(bytes).devices[0]!.columns.channels.level!.v).toEqual([27.15])
  })

  test('has data as bytes', () => {
    const bytes = packed([{ n: 'label', vd: new Uint8Array([0xff, 0xfe]) }])
    expect(read(bytes).devices[0]!.columns.channels.label!.v).toEqual(['__4'])
  })

  test('rejects a record with a number that cannot be held, and its neighbours go on', () => {
    const bytes = packed([
      { n: 'level', v: 2n ** 60n },
      { n: 'level', v: Number.NaN },
      { n: 'level', v: 3 },
    ])
    const { devices, broken } = read(bytes)
    expect(devices[0]!.columns.channels.level!.v).toEqual([3])
    expect(broken.map(({ place }) => place)).toEqual([0, 1])
  })

  test('does not take the name of a label for the label; an extension that must be understood rejects its record', () => {
    const record = new Map<unknown, unknown>([
      ['v', 9],
      [0, 'level'],
      [2, 1],
      [40, 'extension'],
    ])
    expect(read(encode([record])).devices[0]!.columns.channels.level!.v).toEqual([1])
    expect(read(packed([{ n: 'level', v: 1, must_: 1 }])).broken).toMatchObject([{ place: 0 }])
  })

  test.each([
    ['a label twice', 'a2 02 01 02 02', '81'],
    ['a tag of another kind', 'c1 00', '81'],
    ['bytes behind the end', 'a2 00 65 6c6576656c 02 01', '00'],
  ])('is refused whole with %s', (_what, record, around) => {
    expect(() => read(around === '00' ? hex(`81 ${record} 00`) : hex(`${around} ${record}`))).toThrow()
  })

  test('is refused by its depth before it reaches a stack', () => {
    for (const byte of [0x81, 0x9f, 0xc4, 0xbf]) expect(() => read(Buffer.alloc(200_000, byte))).toThrow(/levels|CBOR/)
    expect(() => read(Buffer.concat([Buffer.alloc(200_000, 0x81), hex('00')]))).toThrow('more than 8 levels')
    expect(() => read(hex('9b 00ffffffffffffff'))).toThrow()
  })

  test('says the same as the pack in JSON', () => {
    const record = fc.record(
      {
        bn: fc.constantFrom('', 'a:', 'b/'),
        bt: fc.constantFrom(0, at, at + 0.5),
        bver: fc.constant(10),
        n: fc.constantFrom('level', 'label', 'open', '', '-x'),
        t: fc.integer({ min: -1000, max: 1000 }),
        // In JSON an integer beyond 2^53 is digits, which are rejected where no double has them; in CBOR it is a float.
        v: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((v) => !Number.isInteger(v) || Number.isSafeInteger(v)),
        vs: fc.string(),
        vb: fc.boolean(),
      },
      { requiredKeys: ['n'] },
    )
    const outcome = (decode: () => unknown) => {
      try {
        return decode()
      } catch (error) {
        return (error as Error).message
      }
    }
    holds(
      fc.property(fc.array(record, { maxLength: 10 }), (pack) => {
        const json = JSON.stringify(pack)
        const inCbor = outcome(() => read(packed(JSON.parse(json))))
        expect(inCbor).toEqual(outcome(() => senmlJson.decode(Buffer.from(json), jsonConfig, arrivedMs)))
      }),
    )
  })

  testCodec(senmlCbor, config, [
    packed([
      { bn: 'a:', bt: at, n: 'level', v: 1.5 },
      { n: 'label', vs: 'é' },
      { n: 'open', vb: false },
    ]),
  ])
})
