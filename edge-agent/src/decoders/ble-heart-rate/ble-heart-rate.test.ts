import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { describeDecoder } from '../conformance.ts'
import { epochMs, recorder } from '../recorder.ts'
import { bleHeartRate } from './ble-heart-rate.ts'

const word = fc.integer({ min: 0, max: 65_535 })
const frame = fc.record({
  values: fc.record({ heart_rate: word, contact: fc.constant(true), energy: word, rr: word }, { requiredKeys: ['heart_rate'] }),
})

describeDecoder(bleHeartRate, join(import.meta.dirname, 'cases'), [
  {
    name: 'lines',
    config: bleHeartRate.schema.parse({ prefix: '2A37 ' }),
    frame,
    garbage: fc.stringMatching(/^[g-z]{1,40}$/).map((letters) => Buffer.from(`${letters}\n`)),
    intervalMs: 1000,
    endsOnly: true,
  },
  {
    name: 'packets',
    config: bleHeartRate.schema.parse({ framing: 'packets' }),
    frame,
    garbage: fc.uint8Array({ max: 0xa9, minLength: 1, maxLength: 100 }),
    intervalMs: 1000,
  },
])

it('gives R-R intervals the times at which they ended, never one before another', () => {
  const { sink, calls } = recorder()
  const decoder = bleHeartRate.create(bleHeartRate.schema.parse({}))
  const encode = bleHeartRate.createEncoder(bleHeartRate.schema.parse({}))
  decoder.decode(encode({ values: { heart_rate: 120 }, extra: { intervals: [512, 512, 1024] } }), epochMs + 3000, sink)
  decoder.decode(encode({ values: { heart_rate: 120 }, extra: { intervals: [512, 2048] } }), epochMs + 4000, sink)
  expect(calls.filter(([, channel]) => channel === 'rr').map(([, , atMs, value]) => [atMs, value])).toEqual([
    [1500, 512],
    [2000, 512],
    [3000, 1024],
    [3000, 512],
    [4000, 2048],
  ])
})
