/** What holds for every sequence of samples, gaps and ticks, with rules of several conditions beside each other. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startMs, testProperties } from './testing/properties.ts'
import { engineOf, readings, run } from './testing/records.ts'

const rules = [
  { name: 'low', channel: 'spo2', condition: 'below', set: 88, clear: 90, delayOnMs: 1500, delayOffMs: 1000 },
  { name: 'range', channel: 'spo2', condition: 'outside', low: 86, high: 95, hysteresis: 1 },
  { name: 'silent', channel: 'spo2', condition: 'absent', afterMs: 4000 },
]
const quick = { numRuns: 300 }

testProperties({ rules, values: fc.integer({ min: 83, max: 98 }), ...quick })

test('samples of many channels cut by time give the same alarms in the same order', () => {
  const two = [rules[1]!, { ...rules[1]!, name: 'other', channel: 'pr' }]
  const cut = (v: number[][], size: number) => {
    const records = []
    for (let at = 0; at < v.length; at += size) {
      const part = v.slice(at, at + size)
      const t = part.map((_, i) => startMs + at + i)
      const column = (channel: 0 | 1) => ({ t, v: part.map((pair) => pair[channel]!) })
      const record = readings(t, [])
      if (record.k === 'readings') record.channels = { spo2: column(0), pr: column(1) }
      records.push(record)
    }
    return run(engineOf(two), records)
  }
  const pair = fc.array(fc.integer({ min: 83, max: 98 }), { minLength: 2, maxLength: 2 })
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 60 }), fc.integer({ min: 1, max: 60 }), (v, size) => {
      expect(cut(v, size)).toEqual(cut(v, 1))
    }),
    quick,
  )
})

test('inside the band nothing changes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 880, max: 899 }), { maxLength: 100 }), fc.boolean(), (band, isRaised) => {
      const state = engineOf([{ ...rules[0]!, delayOnMs: 0, delayOffMs: 0 }])
      run(state, [readings([1], [isRaised ? 80 : 97])])
      const t = band.map((_, i) => 2 + i)
      const v = band.map((tenths) => tenths / 10)
      expect(run(state, [readings(t, v)])).toEqual([])
    }),
    quick,
  )
})
