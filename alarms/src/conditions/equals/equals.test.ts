import { expect, test } from 'vitest'
import { brief, declaration, engineOf, readings, run, tick } from '../../testing/records.ts'
import { testValueCondition } from '../conformance.ts'
import { equals } from './equals.ts'

testValueCondition(equals, {
  keys: { is: [5, 7] },
  quiet: { is: 1000 },
  faulty: [],
  raises: [5, 7],
  keeps: [],
  clears: [6, 0],
  text: 'spo2 is 5 %',
})

const rule = { name: 'mode', channel: 'mode', condition: 'equals', is: ['fault', 'stopped'] }
const modes = (values: (string | boolean | number)[], fromMs = 1) =>
  readings(
    values.map((_, k) => fromMs + k),
    values,
    { channel: 'mode', receivedMs: fromMs },
  )

test('a text raises while it is one of the states, and any other clears', () => {
  const alarms = run(engineOf([rule]), [modes(['running', 'fault', 'stopped', 'running', 'Fault'])])
  expect(brief(alarms)).toEqual(['raised mode/bed-1/mode/2 @2', 'cleared mode/bed-1/mode/2 @4'])
  expect(alarms[0]).toMatchObject({ state: 'fault', text: 'mode is fault' })
  expect(alarms[0]).not.toHaveProperty('value')
  expect(alarms[1]).toMatchObject({ state: 'running' })
})

test('with `not` everything but the states raises', () => {
  expect(brief(run(engineOf([{ ...rule, is: 'ok', not: true }]), [modes(['ok', 'odd', 'ok'])]))).toEqual([
    'raised mode/bed-1/mode/2 @2',
    'cleared mode/bed-1/mode/2 @3',
  ])
})

test('a delay runs on texts as on numbers', () => {
  const delayed = { ...rule, delayOnMs: 2 }
  expect(brief(run(engineOf([delayed]), [modes(['fault', 'fault', 'fault', 'ok'])]))).toEqual([
    'raised mode/bed-1/mode/3 @3',
    'cleared mode/bed-1/mode/3 @4',
  ])
})

test('true and false are states of a boolean', () => {
  const door = { ...rule, is: true }
  const alarms = run(engineOf([door]), [modes([false, true, false])])
  expect(alarms.map(({ change, text }) => [change, text])).toEqual([
    ['raised', 'mode is true'],
    ['cleared', 'mode is true'],
  ])
})

test('a number that comes as a text is judged by no limit', () => {
  const limit = { name: 'limit', channel: 'mode', condition: 'above', set: 90 }
  expect(run(engineOf([limit]), [modes(['95', '1000'])])).toEqual([])
})

test('a text counts as a sign of life', () => {
  const absent = { name: 'quiet', channel: 'mode', condition: 'absent', afterMs: 3000 }
  const state = engineOf([absent])
  const second = (at: number) => [tick(at), modes(['ok'], at)]
  const declared = declaration([{ name: 'mode', kind: 'text', datatype: 'String', unit: '1' }])
  const out = run(state, [tick(0), declared, ...[1000, 2000, 3000, 4000, 5000, 6000].flatMap(second)])
  expect(out).toEqual([])
  expect(brief(run(state, [tick(7000), tick(8000), tick(9000)]))).toEqual(['raised quiet/bed-1/mode/9000 @9000'])
})
