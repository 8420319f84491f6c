import { describe, expect, test } from 'vitest'
import { activeAlarms } from '../../list.ts'
import { brief, control, engineOf, gap, readings, run, tick } from '../../testing/records.ts'
import { testScoreCondition } from '../conformance.ts'
import { score } from './score.ts'

const bands = [{ upTo: 91, points: 3 }, { upTo: 93, points: 2 }, { upTo: 95, points: 1 }, { points: 0 }]

testScoreCondition(
  score,
  {
    keys: { set: 3, clear: 1, channels: [{ channel: 'spo2', bands }] },
    quiet: { set: 4, channels: [{ channel: 'spo2', bands }] },
    faulty: [{ set: 3, clear: 3, channels: [{ channel: 'spo2', bands }] }],
  },
  [97, 95, 93, 91, 90],
)

const rule = {
  name: 'two',
  channel: 'two',
  condition: 'score',
  set: 4,
  clear: 2,
  validMs: 60_000,
  channels: [
    { channel: 'spo2', bands },
    { channel: 'pulse', bands: [{ upTo: 90, points: 0 }, { upTo: 110, points: 1 }, { points: 2 }] },
  ],
}
const at = (t: number, channel: string, value: number, more: object = {}) => readings([t], [value], { channel, ...more })
const say = (state: ReturnType<typeof engineOf>, ...records: Parameters<typeof run>[1]) => {
  const shown = ({ text, change, technical }: (typeof alarms)[number]) => `${change}${technical ? ' technical' : ''}: ${text}`
  const alarms = run(state, records)
  return alarms.map(shown)
}

describe('several channels', () => {
  test('are scored together at the next tick, and clear when all are known and low', () => {
    const state = engineOf([rule])
    expect(say(state, tick(0), at(100, 'spo2', 92), at(200, 'pulse', 120))).toEqual([])
    const alarms = run(state, [tick(1000)])
    expect(brief(alarms)).toEqual(['raised two/bed-1/two/1000 @1000'])
    expect(alarms[0]).toMatchObject({ text: 'two is 4', value: 4, technical: false })
    expect(say(state, at(1100, 'pulse', 80), tick(2000))).toEqual(['cleared: two is 4'])
  })

  test('of several devices of a subject are one score', () => {
    const state = engineOf([rule])
    const anna = { subject: 'anna' }
    run(state, [tick(0), at(100, 'spo2', 92, { ...anna, device: 'm' }), at(200, 'pulse', 120, { ...anna, device: 'a' })])
    expect(run(state, [tick(1000)])).toMatchObject([{ device: 'a', subject: 'anna', value: 4 }])
  })

  test('that are missing make it incomplete: it raises, and never clears', () => {
    const state = engineOf([{ ...rule, single: 3 }])
    expect(say(state, tick(0), at(100, 'spo2', 90), tick(1000))).toEqual(['raised: two is incomplete, at least 3: no pulse'])
    expect(say(state, at(1100, 'spo2', 97), tick(2000))).toEqual([])
    expect(say(state, at(2100, 'pulse', 80), tick(3000))).toEqual(['cleared: two is incomplete, at least 3: no pulse'])
  })

  test('count for validMs, and no absence clears', () => {
    const state = engineOf([rule])
    run(state, [tick(0), at(100, 'spo2', 92), at(200, 'pulse', 120), tick(1000)])
    const ticks = Array.from({ length: 70 }, (_, k) => tick(2000 + k * 1000))
    expect(say(state, gap(1500), ...ticks, at(71_000, 'pulse', 60), tick(72_000))).toEqual([])
    expect(activeAlarms(state)).toHaveLength(1)
  })

  test('an alarm keeps its life over a new file of rules, is acknowledged, and ends with its rule', () => {
    const state = engineOf([rule])
    run(state, [tick(0), at(100, 'spo2', 92), at(200, 'pulse', 120), tick(1000)])
    const rules = (all: object[]) => control({ by: 'x', type: 'rules', rules: { rules: all } }, 1500)
    const order = control({ by: 'anna', type: 'acknowledge', alarm: 'two/bed-1/two/1000' }, 1600)
    expect(brief(run(state, [rules([{ ...rule, set: 5, clear: 3 }]), order]))).toEqual(['acknowledged two/bed-1/two/1000 @1600'])
    expect(brief(run(state, [rules([])]))).toEqual(['cleared two/bed-1/two/1000 @1500'])
  })

  test('what a device sends under the name of the score is not one', () => {
    const state = engineOf([rule])
    run(state, [tick(0), at(100, 'spo2', 97), at(200, 'pulse', 80), tick(1000), at(1100, 'two', 20), tick(2000)])
    expect(activeAlarms(state)).toEqual([])
  })
})

test('bands that depend on another channel are not known without it', () => {
  const oxygen = { channel: 'oxygen', is: true, bands: [{ points: 2 }] }
  const state = engineOf([{ ...rule, set: 2, clear: 0, channels: [{ channel: 'spo2', bands, when: oxygen }] }])
  expect(say(state, tick(0), at(100, 'spo2', 92), tick(1000))).toEqual([])
  expect(say(state, readings([1100], [true], { channel: 'oxygen' }), tick(2000))).toEqual(['raised: two is 2'])
})

test('two scores under one channel are refused', () => {
  expect(() => engineOf([rule, { ...rule, name: 'other' }])).toThrow('two scores have the same channel')
})
