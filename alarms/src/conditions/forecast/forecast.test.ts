import { expect, test } from 'vitest'
import { brief, engineOf, readings, run } from '../../testing/records.ts'
import { testMemoryCondition } from '../conformance.ts'
import { forecast } from './forecast.ts'

testMemoryCondition(forecast, {
  keys: { low: 90, withinMs: 2000, windowMs: 8000, hysteresis: 1 },
  quiet: { low: -1000 },
  incomplete: [{}],
  faulty: [{ low: 3, high: 1 }],
  scenes: [
    { values: [99, 98.5, 98, 97.5, 97, 96.5, 96, 95.5, 95, 94.5, 94, 93.5, 93, 92.5, 92, 91.5], changes: ['raised 91.5'] },
    { values: [99, 98, 97, 96, 95, 94, 93, 92], changes: [] },
    {
      values: [99, 98, 97, 96, 95, 94, 93, 92, 91, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99],
      changes: ['raised 91', 'cleared 97'],
    },
  ],
  text: 'spo2 91.5 % will be below 90 % within 2 s',
})

const rule = { name: 'fridge', channel: 'spo2', condition: 'forecast', high: 80, withinMs: 60_000, windowMs: 60_000 }
const seconds = Array.from({ length: 60 }, (_, k) => k * 1000)

test('an outlier does not turn the trend', () => {
  const records = seconds.map((t, k) => readings([t], [k === 58 ? 300 : 40]))
  expect(run(engineOf([rule]), records)).toEqual([])
})

test('a steady climb is told of before the limit is reached', () => {
  const [first] = run(
    engineOf([rule]),
    seconds.map((t) => readings([t], [t / 1000])),
  )
  expect(brief([first!])).toEqual(['raised fridge/bed-1/spo2/30000 @30000'])
  expect(first!.text).toBe('spo2 30 will be above 80 within 60 s')
})
