import { expect, test } from 'vitest'
import { brief, engineOf, readings, run } from '../../testing/records.ts'
import { testMemoryCondition } from '../conformance.ts'
import { stuck } from './stuck.ts'

testMemoryCondition(stuck, {
  keys: { forMs: 2000, tolerance: 1, pauseMsMax: 1000 },
  quiet: { forMs: 80_000_000 },
  faulty: [],
  scenes: [
    { values: [97, 97, 98, 97, 98, 97, 96], changes: ['raised 98', 'cleared 96'] },
    { values: [97, 97, 97, 97, 95, 95, 95, 95, 95], changes: ['raised 95'] },
    { values: [97, 99, 97, 99, 97, 99, 97], changes: [] },
  ],
  text: 'spo2 has been 98 % for 2 s',
  isTechnical: true,
})

const rule = { name: 'stuck', channel: 'spo2', condition: 'stuck', forMs: 2000, pauseMsMax: 1000 }

test('a pause begins the time again and clears nothing', () => {
  const state = engineOf([rule])
  expect(run(state, [readings([0, 1000, 2500, 3500], [97, 97, 97, 97])])).toEqual([])
  expect(brief(run(state, [readings([4500], [97])]))).toEqual(['raised stuck/bed-1/spo2/4500 @4500'])
  expect(run(state, [readings([60_000], [97])])).toEqual([])
  expect(brief(run(state, [readings([61_000], [96])]))).toEqual(['cleared stuck/bed-1/spo2/4500 @61000'])
})

test('bad samples say nothing of whether it moves', () => {
  const bad = readings([0, 500, 1000, 1500, 2000], [97, 97, 97, 97, 97], { q: [0, 2, 2, 2, 0] })
  expect(run(engineOf([rule]), [bad])).toEqual([])
})
