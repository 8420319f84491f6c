import { describe, expect, test } from 'vitest'
import { ruleFileSchema } from '../../rule-file.ts'
import { engineOf, readings, run, tick } from '../../testing/records.ts'
import { testScoreCondition } from '../conformance.ts'
import { expression } from './expression.ts'

const one = { spo2: 'spo2' }

testScoreCondition(
  expression,
  {
    keys: { expression: 'spo2 < 92.0', channels: one },
    quiet: { expression: 'spo2 < 10.0', channels: one },
    faulty: [{ expression: 'spo2 <', channels: one }],
  },
  [97, 95, 93, 92, 90],
)

const two = {
  name: 'shock',
  channel: 'shock',
  condition: 'expression',
  channels: { spo2: 'spo2', hr: 'ecg.heart_rate' },
  validMs: 60_000,
}
const at = (t: number, channel: string, value: number | string) => readings([t], [value], { channel })
const changes = (rule: object, ...records: Parameters<typeof run>[1]) =>
  run(engineOf([rule]), records).map(({ change, atMs, text }) => `${change} ${atMs} ${text}`)

describe('several channels', () => {
  const both = { ...two, expression: 'spo2 < 90.0 && hr > 120.0' }

  test('are judged together at the next tick', () => {
    const records = [at(1, 'spo2', 88), at(2, 'ecg.heart_rate', 130), tick(1000), at(1500, 'ecg.heart_rate', 100), tick(2000)]
    expect(changes(both, ...records)).toEqual([
      'raised 1000 shock: spo2 < 90.0 && hr > 120.0',
      'cleared 2000 shock: spo2 < 90.0 && hr > 120.0',
    ])
  })

  test('one that is not known decides nothing', () => {
    expect(changes(both, at(1, 'spo2', 88), tick(1000), tick(2000))).toEqual([])
    const either = { ...two, expression: 'spo2 < 90.0 || hr > 120.0' }
    expect(changes(either, at(1, 'spo2', 88), tick(1000))).toHaveLength(1)
    const lost = [at(1, 'spo2', 88), at(2, 'ecg.heart_rate', 130), tick(1000), at(4500, 'spo2', 89), tick(5000)]
    expect(changes({ ...both, validMs: 3000 }, ...lost)).toHaveLength(1)
  })

  test('texts are compared as texts', () => {
    const rule = { ...two, channels: { mode: 'mode' }, expression: "mode.startsWith('err') || mode in ['stopped', 'lost']" }
    expect(changes(rule, at(1, 'mode', 'running'), tick(1000), at(1500, 'mode', 'error 7'), tick(2000))).toHaveLength(1)
  })
})

describe('what cannot be meant is refused with its place and a remedy', () => {
  const faultOf = (text: string, channels: object = two.channels) => {
    const rule = { ...two, expression: text, channels }
    return ruleFileSchema.safeParse({ rules: [rule] }).error?.issues.map(({ message }) => message)
  }

  test.each([
    ['spo2 <', 'cannot be read (line 1, character 7'],
    ['spo2 < 90.0 &&& hr > 1.0', 'cannot be read (line 1, character'],
    ['spo2 < 90.0\n&& hr >> 2.0', 'cannot be read (line 2, character'],
    ['sp02 < 90.0', '`sp02` is not in channels (spo2, hr): add it there, or correct the name'],
    ['hr / 2 > 30.0', "no matching overload for '_/_' applied to '(double, int)': channels are doubles, write 2.0 for 2"],
    ['hr', 'it gives a value, and must give true or false'],
    ['worst(hr)', 'unbound function: worst'],
    ['[spo2, hr].all(x, x > 1.0)', 'loops (all, exists, exists_one, map, filter) are not available'],
    [`${'('.repeat(400)}hr > 1.0${')'.repeat(400)}`, 'brackets are more than 20 deep'],
    [Array.from({ length: 120 }, () => 'hr').join('+'), 'operations deep'],
    [`hr > 1.0 ${'|| hr > 1.0 '.repeat(100)}`, 'Too big'],
  ])('%s', (text, says) => {
    const [message, ...others] = faultOf(text) ?? []
    expect(others).toEqual([])
    expect(message).toContain(says)
  })

  test('names that cannot be variables are refused, and so is none at all', () => {
    expect(faultOf('hr > 1.0', { 'ecg.hr': 'hr' })).toBeDefined()
    expect(faultOf('1 > 2', {})).toBeDefined()
  })

  test('numbers and texts may stand together', () => {
    expect(faultOf("spo2 < 90.0 && hr == 'high'")).toBeUndefined()
    expect(faultOf('spo2 < 90 && hr > 120')).toBeUndefined()
  })
})
