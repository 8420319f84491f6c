import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chunksOf, pointsOf, putSeriesPoints, putSeriesSegments, segmentsOf } from './batch.ts'
import { createWriter } from './bytes.ts'
import { putNumbers, putTimes, putValues, takeNumbers, takeValues } from './column.ts'

const written = (put: (to: ReturnType<typeof createWriter>) => void) => {
  const to = createWriter(16)
  put(to)
  return Buffer.from(to.bytes.subarray(0, to.at))
}
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -1e6, max: 1e6 }).map((n) => n / 1000),
  fc.constantFrom(0, -0, 36.6, 0.1 + 0.2, 2 ** 53, -(2 ** 50), 1e-7, 5e-324),
)

test('numbers come back exactly, whatever they are', () => {
  fc.assert(
    fc.property(fc.array(number), (values) => {
      for (const put of [putNumbers, putTimes]) {
        const from = { bytes: written((to) => put(to, values)), at: 0 }
        expect(takeNumbers(from, values.length)).toEqual(values)
        expect(from.at).toBe(from.bytes.length)
      }
    }),
  )
})

test('values of any kind come back exactly', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.array(number), fc.array(fc.boolean()), fc.array(fc.oneof(fc.string(), fc.boolean(), number))),
      (values) => {
        // JSON has no negative zero; beside other kinds it comes back as zero.
        const plain = values.map((value) => (Object.is(value, -0) ? 0 : value))
        expect(takeValues({ bytes: written((to) => putValues(to, plain)), at: 0 }, plain.length)).toEqual(plain)
      },
    ),
  )
})

test('integers and short decimals that change little take a byte each', () => {
  const integers = Array.from({ length: 1000 }, (_, k) => 900 + (k % 30))
  expect(written((to) => putNumbers(to, integers)).length).toBeLessThan(1010)
  const decimals = integers.map((n) => n / 10)
  expect(written((to) => putNumbers(to, decimals)).length).toBeLessThan(1010)
})

test('a batch gives each series its chunk back, of any size', () => {
  for (const count of [1, 100, 3000, 90_000, 1_200_000]) {
    const t = Array.from({ length: count }, (_, k) => 1.7e12 + k * 3)
    const v = t.map((_, k) => (k * 7919) % 60_000)
    const body = written((to) => {
      putSeriesPoints(to, 5, { t, v })
      putSeriesSegments(to, 300, [{ t: 1.7e12, i: 1000 / 360, v }])
      putSeriesPoints(to, 7, { t: [1], v: ['x'], q: [2] })
    })
    const [points, segments, last, ...rest] = [...chunksOf(body)]
    expect([points!.series, segments!.series, last!.series, rest.length]).toEqual([5, 300, 7, 0])
    expect(pointsOf(points!.bytes)).toEqual({ t, v })
    expect(segmentsOf(segments!.bytes)).toEqual([{ t: 1.7e12, i: 1000 / 360, v }])
    expect(pointsOf(last!.bytes)).toEqual({ t: [1], v: ['x'], q: [2] })
  }
})

test('channels of the same times share the work of putting them, and each comes back by itself', () => {
  const times = fc
    .array(fc.integer({ min: 0, max: 2e12 }), { minLength: 1, maxLength: 40 })
    .map((t) => [...new Set(t)].sort((a, b) => a - b))
  fc.assert(
    fc.property(
      fc.array(times, { minLength: 1, maxLength: 3 }),
      fc.array(fc.nat(2), { maxLength: 12 }),
      fc.nat(9000),
      (all, turns, more) => {
        // Now and then a chunk is so long that its length moves it up, and its times with it.
        const long = Array.from({ length: more }, (_, k) => k * k)
        const given = turns
          .map((turn) => (turn === 2 ? long : all[turn % all.length]!))
          .map((t) => ({ t, v: t.map((at) => at % 1009) }))
        const body = written((to) => {
          let before: ReturnType<typeof putSeriesPoints>
          for (const [series, points] of given.entries()) before = putSeriesPoints(to, series, points, before)
        })
        expect([...chunksOf(body)].map(({ bytes }) => pointsOf(bytes))).toEqual(given)
      },
    ),
    { numRuns: 60 },
  )
})
