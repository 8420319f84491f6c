import type { Channel } from '@millrace/contract'
import { expect, test } from 'vitest'
import { entryOf, tellAll, testAnalysis } from '../conformance.ts'
import { forecast } from './forecast.ts'

const source: Channel = { name: 'level', kind: 'number', datatype: 'Double', unit: 'cm' }
const readings = (values: number[]) => values.map((value, k) => ({ source: 0, t: k * 10_000, value }))
const keys = { windowMs: 320_000, aheadMs: 100_000, limit: 10 }

function newest(values: number[], more: object = {}) {
  const told = tellAll(forecast, entryOf(forecast, [source], { ...keys, ...more }), [source], readings(values))
  return Object.fromEntries(told.map(([output, , value]) => [output, Number(value)]))
}

testAnalysis(forecast, {
  keys,
  faulty: [{ windowMs: 1 }, { aheadMs: 320_000 * 9 }, { limit: 'low' }],
  sources: [source],
  samples: readings(Array.from({ length: 120 }, (_, k) => 100 - k / 2 + (k % 3))),
})

test('a line goes on: what it will be, no error, the time to the limit', () => {
  const falling = Array.from({ length: 60 }, (_, k) => 100 - k)
  expect(newest(falling)).toEqual({ ahead: 31, error: 0, time_to_limit: 310 })
})

test('an outlier does not turn it; what turns shows an error', () => {
  expect(newest(Array.from({ length: 60 }, (_, k) => (k === 50 ? 0 : 100 - k))).ahead).toBeCloseTo(31, 0)
  const turns = Array.from({ length: 240 }, (_, k) => Math.abs(100 - (k % 60) * 3))
  expect(newest(turns).error).toBeGreaterThan(1)
})

test('no time to a limit that the trend leads away from, nor far ahead', () => {
  expect(newest(Array.from({ length: 60 }, (_, k) => 20 + k))).not.toHaveProperty('time_to_limit')
  expect(newest(Array.from({ length: 60 }, (_, k) => 1000 - k))).not.toHaveProperty('time_to_limit')
})

test('after a pause a forecast is not held to what came later', () => {
  const line = readings(Array.from({ length: 40 }, (_, k) => 100 - k))
  const later = { source: 0, t: 10_000_000, value: 100 }
  const told = tellAll(forecast, entryOf(forecast, [source], keys), [source], [...line, later])
  expect(told.filter(([output]) => output === 'error').map(([, , value]) => value)).toEqual(expect.not.arrayContaining([61]))
})
