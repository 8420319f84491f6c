import { testValueCondition } from '../conformance.ts'
import { inside } from './inside.ts'

testValueCondition(inside, {
  keys: { low: 40, high: 60, hysteresis: 2 },
  quiet: { low: 1000, high: 1000 },
  faulty: [{ low: 2, high: 1 }],
  raises: [40, 50, 60],
  keeps: [39, 38, 61, 62],
  clears: [37, 63, -5],
  text: 'spo2 40 % from 40 to 60 %',
})
