import type { Channel } from '@millrace/contract'
import { expect, test } from 'vitest'
import { entryOf, tellAll, testAnalysis } from '../conformance.ts'
import { band } from './band.ts'

const source: Channel = { name: 'temperature', kind: 'number', datatype: 'Double', unit: 'Cel' }
const seasonMs = 3_600_000
const minuteMs = 60_000
/** Each minute for some hours: a course of the hour with ±1 about it. */
const usual = (hours: number) =>
  Array.from({ length: hours * 60 }, (_, k) => 20 + 5 * Math.sin(((k % 60) / 60) * 2 * Math.PI) + (k % 2 ? 1 : -1))
const readings = (values: number[]) => values.map((value, k) => ({ source: 0, t: k * minuteMs, value }))
const keys = { seasonMs, slots: 12, factor: 4 }

function lastOf(values: number[], more: object = {}) {
  const told = tellAll(band, entryOf(band, [source], { ...keys, ...more }), [source], readings(values))
  const lastMs = (values.length - 1) * minuteMs
  return Object.fromEntries(told.flatMap(([output, t, value]) => (t === lastMs ? [[output, Number(value)]] : [])))
}

testAnalysis(band, {
  keys,
  faulty: [{ slots: 0 }, { seasonMs: 1 }, { seasonsMax: 1 }, { factor: 0 }],
  sources: [source],
  samples: readings(usual(5)),
})

test('the first season tells nothing, the second what is expected, the third the band with its error', () => {
  expect(lastOf(usual(1))).toEqual({})
  expect(Object.keys(lastOf(usual(2)))).toEqual(['expected'])
  const { expected, low, high, error, distance } = lastOf([...usual(3), 21])
  expect(Math.abs(expected! - 20)).toBeLessThan(1)
  expect(error).toBeGreaterThan(0.8)
  expect(error).toBeLessThan(1.5)
  expect([low, high]).toEqual([expected! - 4 * error!, expected! + 4 * error!].map((one) => expect.closeTo(one, 3)))
  expect(distance).toBeLessThan(2)
})

test('what is usual at another time of the season is odd now; one odd season is not learnt', () => {
  const quarter = usual(6).slice(0, 5 * 60 + 15)
  expect(lastOf([...quarter, 15]).distance).toBeGreaterThan(6)
  const odd = usual(8).map((value, k) => (Math.floor(k / 60) === 4 ? value + 100 : value))
  expect(Math.abs(lastOf([...odd, 21]).expected! - 20)).toBeLessThan(1)
  expect(lastOf([...odd, 21]).error).toBeLessThan(1.5)
})

test('a level that stays is usual after half of the seasons', () => {
  const stays = usual(12).map((value, k) => (k >= 6 * 60 ? value + 50 : value))
  expect(lastOf([...stays, 71], { seasonsMax: 6 }).distance).toBeLessThan(2)
})
