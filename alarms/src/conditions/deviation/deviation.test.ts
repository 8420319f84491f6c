import { expect, test } from 'vitest'
import { brief, declaration, engineOf, readings, run } from '../../testing/records.ts'
import { testMemoryCondition } from '../conformance.ts'
import { deviation } from './deviation.ts'

testMemoryCondition(deviation, {
  keys: { factor: 3, pastMs: 40_000, pointsMin: 4, hysteresis: 1 },
  quiet: { factor: 100 },
  faulty: [],
  scenes: [
    { values: [90, 91, 89, 90, 91, 98, 94, 91], changes: ['raised 98', 'cleared 91'] },
    { values: [90, 98, 90], changes: [] },
  ],
  text: 'spo2 98 % is not as usual (90 %)',
})

const hourMs = 3_600_000
const rule = {
  name: 'odd',
  channel: 'spo2',
  condition: 'deviation',
  byHour: true,
  pastMs: 7 * 24 * hourMs,
  pointsMin: 8,
  least: 2,
}

test('by hour a value is compared with the same hour of the days before', () => {
  const state = engineOf([rule])
  run(state, [declaration([{}])])
  const usual = (t: number) => (Math.floor(t / hourMs) % 24 < 12 ? 50 : 90) + (Math.floor(t / 60_000) % 2)
  const t = Array.from({ length: 3 * 24 * 6 }, (_, k) => k * 600_000)
  expect(
    run(
      state,
      t.map((at) => readings([at], [usual(at)])),
    ),
  ).toEqual([])
  const next = 3 * 24 * hourMs
  expect(brief(run(state, [readings([next], [90])]))).toEqual([`raised odd/bed-1/spo2/${next} @${next}`])
  expect(run(state, [readings([next + 12 * hourMs], [90])])).toHaveLength(1)
})

test('a level that stays becomes usual', () => {
  const state = engineOf([{ ...rule, byHour: false, pastMs: 96_000 }])
  const t = Array.from({ length: 200 }, (_, k) => k * 1000)
  const alarms = run(
    state,
    t.map((at, k) => readings([at], [k < 100 ? 50 : 80])),
  )
  expect(alarms.map(({ change }) => change)).toEqual(['raised', 'cleared'])
})
