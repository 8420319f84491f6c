import type { Channel } from '@millrace/contract'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { entryOf, tellAll, testAnalysis } from '../conformance.ts'
import { statistics } from './statistics.ts'

const source: Channel = { name: 'current', kind: 'number', datatype: 'Double', unit: 'A' }
const readings = (values: number[], everyMs = 1000) => values.map((value, k) => ({ source: 0, t: (k + 1) * everyMs, value }))
const lastOf = (values: number[], keys: object = {}, everyMs?: number) => {
  const told = tellAll(statistics, entryOf(statistics, [source], keys), [source], readings(values, everyMs))
  return Object.fromEntries(told.map(([output, , value]) => [output, value]))
}

testAnalysis(statistics, {
  faulty: [{ windowMs: 1 }, { percentiles: [101] }, { percentiles: [5, 5] }, { pointsMax: 1000 }],
  sources: [source],
  samples: readings(Array.from({ length: 400 }, (_, k) => (k * 7919) % 101)),
})

test('mean, deviation and percentiles of what is in the stretch', () => {
  expect(lastOf([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({ mean: 5, deviation: 2, p5: 2.7, p50: 4.5, p95: 8.3 })
  expect(lastOf([100, 100, 1, 2, 3], { windowMs: 3000 })).toMatchObject({ mean: 2, p50: 2 })
})

test('with more samples than are kept the figures are near those of all', () => {
  const values = Array.from({ length: 5000 }, (_, k) => (k * 7919) % 1000)
  const { mean, p50, p95 } = lastOf(values, { windowMs: 5_000_000 })
  expect(Math.abs(Number(mean) - 500)).toBeLessThan(50)
  expect(Math.abs(Number(p50) - 500)).toBeLessThan(60)
  expect(Math.abs(Number(p95) - 950)).toBeLessThan(30)
})

test('a mean lies between the least and the greatest', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 50 }), (values) => {
      const mean = Number(lastOf(values).mean)
      const slack = Math.max(...values.map(Math.abs)) * 1e-5
      expect(mean).toBeGreaterThanOrEqual(Math.min(...values) - slack)
      expect(mean).toBeLessThanOrEqual(Math.max(...values) + slack)
    }),
  )
})
