import { expect, test } from 'vitest'
import { keysOf, printLimits, whomOf } from './limit.ts'

test('words become keys, and a wrong one is named with how it is written', () => {
  expect(keysOf(['set=84', 'delayOnMs=5000', 'low=-1.5'])).toEqual({ set: 84, delayOnMs: 5000, low: -1.5 })
  for (const wrong of ['set', 'set=', 'set=high', '=4', 'set=1e9'])
    expect(() => keysOf([wrong])).toThrow(`${wrong} is not a limit: write a key of the rule and a number, such as set=84.`)
})

test('it has to be said for whom', () => {
  expect(whomOf({ device: ['bed-3'], group: ['east'] })).toEqual({ devices: ['bed-3'], groups: ['east'] })
  expect(() => whomOf({})).toThrow('such as --device bed-3')
})

test('limits are listed with who, why and until when, beside what the rule file says', () => {
  const limit = { id: 'x', rule: 'spo2-low', devices: ['bed-3'], keys: { set: 84 }, by: 'Anna', reason: 'COPD', atMs: 0 }
  const rule = { rule: 'spo2-low', channel: 'spo2', condition: 'below', keys: { set: 88, clear: null } }
  const view = { limits: [limit, { ...limit, id: 'y', untilMs: 60_000 }], rules: [rule], groups: [], msMax: 1 }
  expect(printLimits(view).split('\n')).toEqual([
    'x  permanent  spo2-low: set 84 for devices bed-3  (Anna: COPD)',
    'y  until 1970-01-01T00:01:00.000Z  spo2-low: set 84 for devices bed-3  (Anna: COPD)',
    '',
    'The rule file:',
    'spo2-low: set=88 clear=none',
  ])
})
