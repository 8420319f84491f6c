import type { Counter } from '@millrace/contract'
import { expect, test } from 'vitest'
import { declaration, engineOf, readings, run } from '../../testing/records.ts'
import { testMemoryCondition } from '../conformance.ts'
import { rate } from './rate.ts'

testMemoryCondition(rate, {
  keys: { low: -3, high: 3, hysteresis: 1, per: 'second', windowMs: 2000 },
  quiet: { low: -1000, high: 1000 },
  incomplete: [{}],
  faulty: [
    { low: 3, high: 1 },
    { low: 1, high: 3, hysteresis: 2 },
  ],
  scenes: [
    { values: [90, 90, 90, 87, 84, 81, 79, 79, 79, 79], changes: ['raised 81', 'cleared 79'] },
    { values: [80, 82, 84, 86], changes: ['raised 84'] },
    { values: [80, 81, 82, 83, 84, 85], changes: [] },
  ],
  text: 'spo2 changes by -4.5 % a second, below -3 %',
})

const second = (k: number) => k * 1000
const counted = (values: number[], more: object, scale = 1) => {
  const state = engineOf([{ name: 'rate', channel: 'spo2', condition: 'rate', per: 'second', windowMs: 4000, high: 10, ...more }])
  const t = values.map((_, k) => second(k))
  return run(state, [declaration([{ scale }]), readings(t, values)]).map(({ change, text }) => `${change}: ${text}`)
}

test('the reset of a counter is not a fall, and what was counted since counts', () => {
  expect(counted([100, 105, 110, 115, 2, 7, 12, 17], { counter: true, low: 1 })).toEqual([])
  expect(counted([100, 105, 110, 115, 2, 40], { counter: true, low: 1 })).toEqual([
    'raised: spo2 changes by 12.5 % a second, above 10 %',
  ])
  expect(counted([100, 105, 110, 115, 2], { low: 1 })).toEqual(['raised: spo2 changes by -24.5 % a second, below 1 %'])
})

test('a channel that is declared as a counter is one without a word in the rule', () => {
  const rule = { name: 'rate', channel: 'spo2', condition: 'rate', per: 'second', windowMs: 4000, high: 10, low: 1 }
  const changes = (values: number[], counter?: Counter, more: object = {}) => {
    const t = values.map((_, k) => second(k))
    const records = run(engineOf([{ ...rule, ...more }]), [
      declaration([{ scale: 0.1, ...(counter && { counter }) }]),
      readings(t, values),
    ])
    return records.map(({ change }) => change)
  }
  const steady = [400, 450, 500, 550, 20, 70, 120]
  expect(changes(steady)).toEqual(['raised'])
  expect(changes(steady, { resets: true })).toEqual([])
  expect(changes(steady, { resets: true }, { counter: false })).toEqual(['raised'])
  expect(changes([60_000, 62_000, 64_000, 464, 2464, 4464], { modulus: 6553.6, resets: false }, { high: 201, low: 150 })).toEqual(
    [],
  )
})

test('a counter that counts up in negative numbers is one as well', () => {
  expect(counted([-100, -105, -110, -115, -2, -7], { counter: true, low: 1 }, -1)).toEqual([])
})

test('nothing is said before half of the window is known, also after a pause', () => {
  const state = engineOf([{ name: 'rate', channel: 'spo2', condition: 'rate', per: 'second', windowMs: 4000, high: 10 }])
  expect(run(state, [readings([0, 1000, 60_000, 61_000], [0, 50, 500, 550])])).toEqual([])
  expect(run(state, [readings([62_000], [600])])).toHaveLength(1)
})
