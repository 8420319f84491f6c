import fc from 'fast-check'
import { expect, test } from 'vitest'
import { putVarint, takeVarint } from './varint.ts'

test.each([
  [0, '00'],
  [127, '7f'],
  [128, '8001'],
  [300, 'ac02'],
  [0x80000000, '8080808008'],
  [2 ** 53 - 1, 'ffffffffffffff0f'],
])('%d is written as %s', (value, hex) => {
  const bytes = Buffer.alloc(8)
  expect(bytes.toString('hex', 0, putVarint(bytes, 0, value))).toBe(hex)
})

test('what is written is read back, and a number that is cut off is refused', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat(5), (value, at) => {
      const bytes = Buffer.alloc(16)
      const end = putVarint(bytes, at, value)
      const cursor = { at }
      expect(takeVarint(bytes, cursor)).toBe(value)
      expect(cursor.at).toBe(end)
      expect(() => takeVarint(bytes.subarray(0, end - 1), { at })).toThrow(RangeError)
    }),
  )
})
