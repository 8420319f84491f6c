/** An integer in a payload of any codec is kept exactly, or rejected with its digits. */
import { encode } from 'cborg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arrivedMs, holds, plainOf } from './conformance.ts'
import { codecOf } from './index.ts'

const anyInteger = fc.oneof(
  fc.bigInt(-(2n ** 53n) - 9n, -(2n ** 53n) + 9n),
  fc.bigInt(2n ** 53n - 9n, 2n ** 53n + 9n),
  fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n),
)
const isSafe = (value: bigint) => value >= -(2n ** 53n) + 1n && value <= 2n ** 53n - 1n
const cbor = (value: unknown) =>
  encode([
    new Map([
      [0, 'v'],
      [2, value],
    ] as [number, unknown][]),
  ])

/** The payload that says so, by codec. */
const payloads: Record<string, (value: bigint) => Uint8Array> = {
  json: (value) => Buffer.from(`{"v":${value}}`),
  'senml-json': (value) => Buffer.from(`[{"n":"v","v":${value}}]`),
  'senml-cbor': (value) => cbor(isSafe(value) ? Number(value) : value),
  'influx-line': (value) => Buffer.from(`m v=${value}${value > 2n ** 63n - 1n ? 'u' : 'i'}`),
}

function read(codec: string, payload: Uint8Array, kind: 'number' | 'text' = 'number') {
  const path = codec === 'influx-line' ? 'm.v' : 'v'
  const config = plainOf({ filter: 'x', codec, device: 'd', channels: [{ name: 'v', path, kind }] })
  const { devices, broken } = codecOf(config).decode(payload, config, arrivedMs)
  const { columns, problems } = devices[0]!
  return { columns, problems: [...problems, ...broken] }
}

describe.each(Object.entries(payloads))('%s', (codec, payloadOf) => {
  test('keeps an integer exactly or rejects it with its digits', () => {
    holds(
      fc.property(anyInteger, (value) => {
        const { columns, problems } = read(codec, payloadOf(value))
        if (isSafe(value)) expect(columns.channels.v!.v.map((v) => BigInt(v as number))).toEqual([value])
        else {
          expect(columns.channels).toEqual({})
          expect(problems.map(({ detail }) => detail)).toEqual([expect.stringContaining(`${value}`)])
        }
      }),
      1000,
    )
  })

  test('keeps one that no number holds in a channel of texts', () => {
    const { columns } = read(codec, payloadOf(2882429806056571124n), 'text')
    expect(columns.channels.v!.v).toEqual(['2882429806056571124'])
  })
})

test.each([
  ['{"v":9007199254740993.0}', '9007199254740993'],
  ['{"v":-9007199254740993}', '-9007199254740993'],
  ['{"note":"ends in \\\\","v":36893488147419103233}', '36893488147419103233'],
])('json %s is rejected with its digits', (text, digits) => {
  expect(read('json', Buffer.from(text)).problems).toMatchObject([{ detail: `${digits} at "v" is beyond 2^53 - 1` }])
})

test.each([
  ['{"v":0.30000000000000004}', 0.30000000000000004],
  ['{"v":6.02214076e23}', 6.02214076e23],
  ['{"v":1e22}', 1e22],
  ['{"note":"9007199254740993","v":5}', 5],
])('json %s is a measurement, or an integer that a number holds', (text, value) => {
  expect(read('json', Buffer.from(text)).columns.channels.v!.v).toEqual([value])
})

test('SenML adds a base value exactly, in both formats', () => {
  const json = (record: string) => read('senml-json', Buffer.from(`[${record}]`))
  expect(json('{"n":"v","bv":9007199254740991,"v":2}').problems).toMatchObject([
    { detail: expect.stringContaining('9007199254740993') },
  ])
  expect(json('{"n":"v","bv":-9007199254740993,"v":9007199254740995}').columns.channels.v!.v).toEqual([2])
  expect(json('{"n":"v","bs":9007199254740991,"v":1,"s":2}').columns.channels.v!.v).toEqual([1])
})

test('CBOR integers of any size and decimal fractions without an exponent are exact', () => {
  const tagged = (hex: string) => read('senml-cbor', Buffer.from(`81a2006176 02 ${hex}`.replaceAll(' ', ''), 'hex'))
  expect(tagged('c2 49 010000000000000001').problems).toMatchObject([{ detail: expect.stringContaining('18446744073709551617') }])
  expect(tagged('c3 41 04').columns.channels.v!.v).toEqual([-5])
  expect(tagged('c4 82 00 1b 0020000000000001').problems).toMatchObject([{ detail: expect.stringContaining('9007199254740993') }])
})
