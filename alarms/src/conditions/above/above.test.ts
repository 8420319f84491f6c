import { testValueCondition } from '../conformance.ts'
import { above } from './above.ts'

testValueCondition(above, {
  keys: { set: 90, clear: 88 },
  quiet: { set: 1000 },
  faulty: [{ set: 88, clear: 89 }],
  raises: [91, 500],
  keeps: [90, 89],
  clears: [88, -5],
  text: 'spo2 91 % above 90 %',
})
