import type { Channel } from '@millrace/contract'
import { describe, expect, test } from 'vitest'
import { inEventOrder, type StoredSeries } from './event-order.ts'
import { ruleFileSchema } from './rule-file.ts'
import { engineOf, run, spo2Low } from './testing/records.ts'
import { tryLimit } from './trial.ts'

const channel: Channel = { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%', scale: 0.1 }
const minutes = (values: number[], device = 'bed-1'): StoredSeries => ({
  ...{ device, subject: device, channel, gaps: [] },
  t: values.map((_, k) => 1000 + k * 1000),
  v: values.map((value) => value * 10),
})
const file = ruleFileSchema.parse({ rules: [spo2Low] })
const trial = (tried: object, more: object = {}) =>
  tryLimit({
    ...{ file, limits: [], series: [minutes([95, 86, 95, 83, 95, 86, 95])], fromMs: 0, toMs: 8000 },
    tried: { rule: 'spo2-low', devices: ['bed-1'], keys: { set: 84 }, ...tried },
    ...more,
  })

describe('a trial of a limit', () => {
  test('counts the alarms of now and those of the new value', () => {
    expect(trial({})).toEqual({ now: 3, tried: 1 })
    expect(trial({ keys: { set: 80 } })).toEqual({ now: 3, tried: 0 })
    expect(trial({ keys: { delayOnMs: 2000 } })).toEqual({ now: 3, tried: 0 })
  })

  test('goes by the limits that people set before, and leaves other devices as they are', () => {
    const limit = { id: 'x', rule: 'spo2-low', devices: ['bed-1'], keys: { set: 80 }, by: 'Anna', reason: 'COPD', atMs: 0 }
    expect(trial({}, { limits: [limit] })).toEqual({ now: 0, tried: 1 })
    expect(trial({}, { limits: [{ ...limit, untilMs: 5 }] })).toEqual({ now: 0, tried: 1 })
    expect(trial({ devices: ['bed-2'] })).toEqual({ now: 3, tried: 3 })
  })
})

test('what a store holds is a timeline in the order of its times, with its gaps and a tick each second', () => {
  const series = [minutes([95, 80]), minutes([95], 'bed-2')]
  series[0]!.gaps = [{ fromMs: 2500, reason: 'probe-off' }]
  const records = [...inEventOrder(series, 0, 15_000)]
  const kinds = records.map(({ k }) => k)
  expect(kinds.slice(0, 9)).toEqual([
    'tick',
    'declaration',
    'declaration',
    'readings',
    'readings',
    'tick',
    'readings',
    'tick',
    'gap',
  ])
  const quiet = { name: 'quiet', channel: 'spo2', condition: 'absent', afterMs: 5000 }
  const told = run(engineOf([spo2Low, quiet]), records).map(
    ({ change, rule, device, atMs }) => `${change} ${rule} ${device} ${atMs}`,
  )
  expect(told).toEqual(['raised spo2-low bed-1 2000', 'raised quiet bed-2 6000', 'raised quiet bed-1 7000'])
})
