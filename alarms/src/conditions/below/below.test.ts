import { testValueCondition } from '../conformance.ts'
import { below } from './below.ts'

testValueCondition(below, {
  keys: { set: 88, clear: 90 },
  quiet: { set: -1000 },
  faulty: [{ set: 88, clear: 87 }],
  raises: [87, -5],
  keeps: [88, 89],
  clears: [90, 99],
  text: 'spo2 87 % below 88 %',
})
