import type { Channel } from '@millrace/contract'
import { expect, test } from 'vitest'
import { entryOf, tellAll, testAnalysis } from '../conformance.ts'
import { type AnomalyMemory, anomaly } from './anomaly.ts'

const source: Channel = { name: 'current', kind: 'number', datatype: 'Double', unit: 'A' }
const readings = (values: number[]) => values.map((value, k) => ({ source: 0, t: (k + 1) * 1000, value }))
/** A course that comes again, with a little noise. */
const usual = (count: number) => Array.from({ length: count }, (_, k) => 50 + 40 * Math.sin((k % 24) / 3.82) + ((k * 7919) % 5))
const learnReadings = 100

function scores(values: number[], keys: object, memory?: AnomalyMemory) {
  const entry = entryOf(anomaly, [source], { learnReadings, ...keys })
  return tellAll(anomaly, entry, [source], readings(values), false, memory)
}

testAnalysis(anomaly, {
  keys: { learnReadings: 40, contextsMax: 100 },
  faulty: [{ min: 1 }, { max: 1 }, { min: 2, max: 2 }, { learnReadings: 1 }, { contextsMax: 1e6 }],
  sources: [source],
  samples: readings(Array.from({ length: 300 }, (_, k) => (k * k * 7919) % 101)),
})

test('a course that was not there before has a high score, one that comes again a low one', () => {
  const odd = [...usual(480), ...Array.from({ length: 6 }, (_, k) => (k % 2 === 0 ? 99 : 1))]
  const told = scores(odd, { min: 0, max: 100 })
  const value = ([, , score]: (typeof told)[number]) => Number(score)
  expect(told.slice(240, 480).filter((one) => value(one) >= 0.75)).toEqual([])
  expect(Math.max(...told.slice(480).map(value))).toBeGreaterThanOrEqual(0.75)
})

test('what it learns from is marked bad; a range that is not given is learnt first', () => {
  const given = scores(usual(102), { min: 0, max: 100 })
  expect(given.map(([, , , isBad]) => isBad)).toEqual([...Array(100).fill(true), false, false])
  const learnt = scores(usual(102), {})
  expect(learnt.map(([, t, , isBad]) => [t, isBad])).toEqual([
    [101_000, false],
    [102_000, false],
  ])
})

test('after an anomaly a fifth of the learning is passed over', () => {
  const told = scores([...usual(480), 99, 1, 99, 1, 99, 1, ...usual(40)], { min: 0, max: 100 })
  const first = told.findIndex(([, , score], k) => k >= 480 && Number(score) >= 0.75)
  expect(told.slice(first + 1, first + 21).map(([, , score]) => score)).toEqual(Array(20).fill(0))
})

test('past the bound contexts go, and the memory stays within it', () => {
  const memory = anomaly.memory.empty({} as never)
  const random = Array.from({ length: 4000 }, (_, k) => (k * k * 7919) % 101)
  scores(random, { min: 0, max: 100, contextsMax: 200 }, memory)
  expect(memory.contexts.length).toBeLessThanOrEqual(200)
  expect(memory.contexts.length).toBeGreaterThan(150)
})
