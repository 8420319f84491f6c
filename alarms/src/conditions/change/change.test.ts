import { expect, test } from 'vitest'
import { brief, engineOf, readings, run } from '../../testing/records.ts'
import { testMemoryCondition } from '../conformance.ts'
import { change } from './change.ts'

testMemoryCondition(change, {
  keys: { by: 5 },
  quiet: { by: 1000 },
  faulty: [],
  scenes: [
    { values: [90, 95, 96, 90, 84, 84], changes: ['raised 95', 'cleared 96', 'raised 90', 'cleared 84'] },
    { values: [90, 94, 98, 94], changes: [] },
  ],
  text: 'spo2 changed by 5 % to 95 %',
})

const rule = { name: 'mode', channel: 'mode', condition: 'change' }
const modes = (values: (string | number)[]) =>
  readings(
    values.map((_, k) => k + 1),
    values,
    { channel: 'mode' },
  )

test('a text that is another one than before raises, and the same one clears', () => {
  const alarms = run(engineOf([rule]), [modes(['idle', 'idle', 'run', 'run'])])
  expect(brief(alarms)).toEqual(['raised mode/bed-1/mode/3 @3', 'cleared mode/bed-1/mode/3 @4'])
  expect(alarms[0]).toMatchObject({ state: 'run', text: 'mode changed to run' })
})

test('only one direction counts where it is given, whatever the sign of the scale', () => {
  const down = { ...rule, direction: 'down', by: 2 }
  expect(brief(run(engineOf([down]), [modes([5, 7, 5, 4])]))).toEqual([
    'raised mode/bed-1/mode/3 @3',
    'cleared mode/bed-1/mode/3 @4',
  ])
  expect(run(engineOf([down]), [modes(['a', 'b'])])).toEqual([])
})
