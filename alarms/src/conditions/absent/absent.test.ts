import { testSilenceCondition } from '../conformance.ts'
import { absent } from './absent.ts'

testSilenceCondition(absent, {
  keys: { afterMs: 4000 },
  quiet: { afterMs: 80_000_000 },
  silentMs: 4000,
  text: 'No spo2 for 4 s',
})
