/** Integers of every width, as encoders write them, against the datatype that the birth declared. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SparkplugDatatype } from './datatype.ts'
import { decodeBatch } from './decode-batch.ts'
import { decodeDeviceBirth } from './device-birth.ts'
import { encodeByPeer } from './testing/payloads.ts'

const bits = { Int8: 8, Int16: 16, Int32: 32, Int64: 64, UInt8: 8, UInt16: 16, UInt32: 32, UInt64: 64 } as const
type IntegerType = keyof typeof bits

const isSigned = (datatype: IntegerType) => datatype.startsWith('I')
const integerOf = (datatype: IntegerType) =>
  isSigned(datatype)
    ? fc.bigInt(-(2n ** BigInt(bits[datatype] - 1)), 2n ** BigInt(bits[datatype] - 1) - 1n)
    : fc.bigInt(0n, 2n ** BigInt(bits[datatype]) - 1n)

/** A data message without a datatype, decoded by a birth with one. */
function decodeAs(datatype: SparkplugDatatype, metric: object) {
  const birth = decodeDeviceBirth({ metrics: [{ name: 'n', alias: 1, datatype, value: null }] })
  return decodeBatch(encodeByPeer({ metrics: [{ alias: 1, timestamp: 5, ...metric }] }), () => birth.channels[0]?.channel)
}

/** In its own width, in 32 bits or in 64, as the encoders at large do. */
const written = fc
  .constantFrom(...(Object.keys(bits) as IntegerType[]))
  .chain((datatype) =>
    fc.record({ datatype: fc.constant(datatype), value: integerOf(datatype), width: fc.constantFrom(bits[datatype], 32, 64) }),
  )

describe('an integer without a datatype', () => {
  it('is what the birth says, or is rejected with its digits, whatever the width it was written in', () => {
    fc.assert(
      fc.property(written, ({ datatype, value, width }) => {
        const wire = BigInt.asUintN(Math.max(width, bits[datatype]), value)
        const field = wire < 2n ** 32n && width < 64 ? { int: Number(wire) } : { long: `${wire}` }
        const { columns, problems } = decodeAs(datatype, field)
        const isSafe = value >= -(2n ** 53n) + 1n && value <= 2n ** 53n - 1n
        if (isSafe) expect(columns.channels).toEqual({ n: { t: [5], v: [Number(value)] } })
        else {
          expect(columns.channels).toEqual({})
          expect(problems).toMatchObject([{ reason: 'out-of-range', raw: value, lost: [1, 0] }])
        }
      }),
      { numRuns: 5000 },
    )
  })

  it.each<[SparkplugDatatype, object, number]>([
    ['Int8', { int: 255 }, -1],
    ['Int8', { int: 200 }, -56],
    ['Int8', { int: 0xffff_ffff }, -1],
    ['Int16', { int: 65_535 }, -1],
    ['UInt8', { int: 200 }, 200],
    ['UInt32', { int: 4_294_967_295 }, 4_294_967_295],
  ])('%s %j is %d', (datatype, field, value) => {
    expect(decodeAs(datatype, field).columns.channels).toEqual({ n: { t: [5], v: [value] } })
  })

  it.each<[SparkplugDatatype, object, string]>([
    ['UInt64', { long: '18446744073709551615' }, '18446744073709551615'],
    ['DateTime', { long: '18446744073709551615' }, '18446744073709551615'],
    ['UInt64', { long: '9007199254740993' }, '9007199254740993'],
    ['Int8', { int: 300 }, '300'],
    ['UInt8', { int: 0xffff_ffff }, '4294967295'],
    ['UInt16', { int: 70_000 }, '70000'],
    ['UInt32', { long: '18446744073709551615' }, '18446744073709551615'],
  ])('%s %j is rejected with its digits', (datatype, field, digits) => {
    const { columns, problems } = decodeAs(datatype, field)
    expect(columns.channels).toEqual({})
    expect(problems.map(({ name, raw }) => [name, `${raw}`])).toEqual([['n', digits]])
  })
})
