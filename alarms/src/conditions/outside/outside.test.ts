import { testValueCondition } from '../conformance.ts'
import { outside } from './outside.ts'

testValueCondition(outside, {
  keys: { low: 40, high: 140, hysteresis: 2 },
  quiet: { low: -1000, high: 1000 },
  faulty: [
    { low: 3, high: 1 },
    { low: 1, high: 3, hysteresis: 2 },
  ],
  raises: [141, 39],
  keeps: [140, 139, 41, 40],
  clears: [138, 42],
  text: 'spo2 141 % above 140 %',
})
