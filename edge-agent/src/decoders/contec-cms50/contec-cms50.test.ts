import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { describeDecoder } from '../conformance.ts'
import { epochMs, recorder } from '../recorder.ts'
import { contecCms50 } from './contec-cms50.ts'

const frame = fc.record({
  values: fc.record({
    pulse_rate: fc.integer({ min: 1, max: 254 }),
    spo2: fc.integer({ min: 1, max: 100 }),
    pleth: fc.integer({ min: 0, max: 127 }),
  }),
})

describeDecoder<{ framing: 'new' | 'old' }>(contecCms50, join(import.meta.dirname, 'cases'), [
  {
    name: 'new framing',
    config: { framing: 'new' },
    frame,
    garbage: fc.uint8Array({ min: 0x20, max: 0xff, minLength: 1, maxLength: 100 }),
    intervalMs: 1000 / 60,
  },
  {
    name: 'old framing',
    config: { framing: 'old' },
    frame,
    garbage: fc.uint8Array({ max: 0x7f, minLength: 1, maxLength: 100 }),
    intervalMs: 1000 / 60,
  },
])

it.each(['new', 'old'] as const)('says once that there are no values, and why, with %s framing', (framing) => {
  const encode = contecCms50.createEncoder({ framing })
  const valid = encode({ values: { pulse_rate: 200, spo2: 97, pleth: 1 } })
  const off = encode({ values: {}, extra: { invalid: 'probe-off' } })
  const searching = encode({ values: {}, extra: { invalid: 'searching' } })
  const { sink, calls } = recorder()
  const decoder = contecCms50.create({ framing })
  for (const [k, bytes] of [valid, off, off, searching, searching, valid].entries()) decoder.decode(bytes, epochMs + 17 * k, sink)
  expect(calls.filter(([kind]) => kind === 'absent')).toEqual([
    ['absent', '*', 17, 'probe-off'],
    ['absent', '*', 50, 'searching'],
  ])
  expect(calls.filter(([kind]) => kind === 'reading').map((call) => call[3])).toEqual([200, 97, 200, 97])
})

it('cuts an endless stretch of garbage into reports of 4096 bytes', () => {
  const { sink, calls } = recorder()
  contecCms50.create({ framing: 'new' }).decode(new Uint8Array(10_000).fill(0xff), epochMs, sink)
  expect(calls.map((call) => [call[0], `${call[3]}`.length / 2])).toEqual([
    ['bad', 4096],
    ['bad', 4096],
  ])
})
