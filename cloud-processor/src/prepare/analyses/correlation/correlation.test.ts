import type { Channel } from '@millrace/contract'
import { expect, test } from 'vitest'
import { entryOf, tellAll, testAnalysis } from '../conformance.ts'
import { correlation } from './correlation.ts'

const sources: Channel[] = ['current', 'flow'].map((name) => ({ name, kind: 'number', datatype: 'Double', unit: '1' }))
const both = (pairs: [number, number][], lateMs = 100) =>
  pairs.flatMap(([first, second], k) => [
    { source: 0, t: k * 1000, value: first },
    { source: 1, t: k * 1000 + lateMs, value: second },
  ])

function newest(samples: ReturnType<typeof both>, keys: object = {}) {
  const told = tellAll(correlation, entryOf(correlation, sources, keys), sources, samples)
  return Object.fromEntries(told.map(([output, , value]) => [output, Number(value)]))
}
const course = Array.from({ length: 50 }, (_, k) => (k * 7919) % 101)

testAnalysis(correlation, {
  faulty: [{ pairsMin: 1 }, { pairsMin: 300, pointsMax: 200 }, { pairMs: -1 }],
  sources,
  samples: both(course.map((value, k) => [value, value + (k % 5)])),
})

test.each<[string, number, (value: number, k: number) => number]>([
  ['with it', 1, (value) => 3 * value + 7],
  ['against it', -1, (value) => -value],
  ['not with it', 0, (_, k) => (k % 2 === 0 ? 1 : -1)],
])('what moves %s', (_, coefficient, other) => {
  expect(newest(both(course.map((value, k) => [value, other(value, k)]))).coefficient).toBeCloseTo(coefficient, 0)
})

test('known figures', () => {
  const pairs: [number, number][] = [
    [1, 2],
    [2, 1],
    [3, 4],
    [4, 3],
    [5, 5],
  ]
  expect(newest(both(pairs), { pairsMin: 5 })).toEqual({ coefficient: 0.8, pairs: 5 })
})

test('each sample is in one pair, and only with one that is near', () => {
  expect(
    newest(
      both(
        course.map((value) => [value, value]),
        900,
      ),
      { pairMs: 50 },
    ),
  ).toEqual({})
  const often = both(course.map((value) => [value, value]))
  expect(newest(often.filter(({ source }, k) => source === 0 || k % 4 === 1)).pairs).toBe(25)
})

test('where one does not move there is no coefficient', () => {
  expect(newest(both(course.map((value) => [value, 7])))).toEqual({ pairs: 50 })
})
