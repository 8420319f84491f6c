import { expect, test } from 'vitest'
import { brief, engineOf, readings, run } from '../../testing/records.ts'
import { testMemoryCondition } from '../conformance.ts'
import { mOfN } from './m-of-n.ts'

testMemoryCondition(mOfN, {
  keys: { low: 90, m: 3, n: 5, clearAt: 1 },
  quiet: { low: -1000, m: 1, n: 5 },
  incomplete: [
    { m: 1, n: 2 },
    { low: 3, m: 3 },
  ],
  faulty: [
    { low: 3, high: 1, m: 2, n: 2 },
    { low: 3, m: 3, n: 2 },
    { low: 3, m: 3, n: 5, clearAt: 3 },
  ],
  scenes: [
    { values: [89, 95, 89, 95, 89, 95, 95, 95, 95], changes: ['raised 89', 'cleared 95'] },
    { values: [89, 89, 95, 95, 95, 95, 89, 89], changes: [] },
  ],
  text: 'spo2 below 90 % in 3 of the last 5',
})

const rule = { name: 'drops', channel: 'spo2', condition: 'm-of-n', high: 95, m: 2, withinMs: 10_000 }

test('within a time, a sample that is so old does not count', () => {
  const state = engineOf([rule])
  expect(run(state, [readings([0, 10_000], [96, 96])])).toEqual([])
  const [raised] = run(state, [readings([19_999], [96])])
  expect(raised!.text).toBe('spo2 above 95 in 2 within 10 s')
  expect(brief(run(state, [readings([25_000, 29_999], [90, 90])]))).toEqual(['cleared drops/bed-1/spo2/19999 @25000'])
})

test('with n and withinMs both must hold', () => {
  const both = { ...rule, n: 2 }
  expect(run(engineOf([both]), [readings([0, 1000, 2000], [96, 90, 96])])).toEqual([])
  expect(run(engineOf([both]), [readings([0, 1000, 2000], [90, 96, 96])])).toHaveLength(1)
})
