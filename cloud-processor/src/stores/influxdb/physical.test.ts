import fc from 'fast-check'
import { expect, test } from 'vitest'
import { physicalOf } from './physical.ts'

const places = fc.integer({ min: 0, max: 6 })
const decimal = fc.tuple(fc.integer({ min: 1, max: 5000 }), places).map(([digits, point]) => Number(`${digits}e-${point}`))
const offset = fc
  .tuple(fc.integer({ min: -100_000, max: 100_000 }), places)
  .map(([digits, point]) => Number(`${digits}e-${point}`))
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

test('gives a device’s own integer back from the physical value, for every scale and offset of few decimals', () => {
  fc.assert(
    fc.property(decimal, offset, int32, (scale, offset, raw) => {
      const { toValue, toRaw } = physicalOf({ scale, offset })
      expect(toRaw(toValue(raw))).toBe(raw)
    }),
    { numRuns: 5000 },
  )
})

test('spells a value as the decimal that it is, with no more places than scale and offset have', () => {
  fc.assert(
    fc.property(decimal, offset, int32, (scale, offset, raw) => {
      const text = `${physicalOf({ scale, offset }).toValue(raw)}`
      if (!text.includes('e')) expect((text.split('.')[1] ?? '').length).toBeLessThanOrEqual(6)
    }),
    { numRuns: 5000 },
  )
  expect(physicalOf({ scale: 0.1 }).toValue(97)).toBe(9.7)
  expect(physicalOf({ scale: 0.01, offset: 273.15 }).toValue(1)).toBe(273.16)
  expect(physicalOf({ scale: 0.001, offset: -40 }).toValue(2147483647)).toBe(2147443.647)
})

test('leaves what has no scale as it is', () => {
  for (const raw of [0.1 + 0.2, -1e-300, 1e300, 2 ** 53 - 1]) expect(physicalOf({}).toValue(raw)).toBe(raw)
})

test('knows where the way back is not exact', () => {
  const { toValue, toRaw } = physicalOf({ scale: 1e-9, offset: 1e9 })
  expect(toRaw(toValue(1))).not.toBe(1)
})
