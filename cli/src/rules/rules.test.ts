import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkRules } from './check.ts'
import { testRules } from './tests.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-rules-'))
afterAll(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const told = (lines: string[]) => lines.map((line) => line.replace(`${folder}/`, ''))

const pulse = '  - { name: pulse-high, channel: pulse_rate, condition: above, set: 30, clear: 25, delayOnMs: 2000 }\n'

test('every fault is named with its line, in a rule file and in a configuration', () => {
  const wrong =
    '  - { name: a, channel: c, condition: below, set: 88, clear: 87 }\n  - name: b\n    channel: c\n    condition: below\n    sett: 1\n'
  const faults = told(checkRules(write('wrong.yaml', `rules:\n${wrong}`)).faults)
  expect(faults).toEqual([
    'wrong.yaml:2: rules.0: clear must not be less than set',
    expect.stringMatching(/^wrong\.yaml:3: rules\.1\.set: /),
    'wrong.yaml:6: rules.1.sett: there is no such key',
  ])
  const config = `web: { port: 1 }\nrules:\n  rules:\n${wrong.replace(/^/gm, '  ').trimEnd()}\n`
  expect(told(checkRules(write('config.yaml', config)).faults)[0]).toBe(
    'config.yaml:4: rules.rules.0: clear must not be less than set',
  )
})

test('what cannot be read is named as well', () => {
  expect(() => checkRules(write('broken.yaml', 'rules:\n  - { a: [1 }\n'))).toThrow(/broken\.yaml:2: /)
  expect(() => checkRules(join(folder, 'none.yaml'))).toThrow('Cannot read')
})

test('what is allowed and hardly meant is a warning', () => {
  const rule =
    '{ name: a, channel: c, condition: below, set: 88, devices: [], delayOnMs: 20000, overrides: [{ devices: ["*"], set: 1 }, { devices: [x], set: 2 }] }'
  expect(told(checkRules(write('odd.yaml', `rules:\n  - ${rule}\n`)).warnings)).toEqual([
    'odd.yaml:2: a watches no device',
    'odd.yaml:2: a: a pause of more than staleMs (10000) within delayOnMs (20000) puts the alarm off',
    'odd.yaml:2: a: override 2 is never reached: an entry before it matches first',
  ])
})

test('tests beside the file are run, and one that fails says what came', () => {
  const path = write('rules.yaml', `rules:\n${pulse}  - { name: quiet, channel: pulse_rate, condition: absent, afterMs: 4000 }\n`)
  const tests = [
    'tests:',
    '  - name: told after two seconds',
    '    readings: { pulse_rate: [20, 31, 31, 31, null, 20] }',
    '    alarms: [{ at: 3, rule: pulse-high, text: "pulse_rate 31 above 30 for 2 s" }, { at: 5, rule: pulse-high, change: cleared }]',
    '  - name: silence',
    '    readings: { pulse_rate: [20] }',
    '    seconds: 6',
    '    alarms: [{ at: 4, rule: quiet }]',
    '  - name: wrong',
    '    readings: { pulse_rate: [31, 31] }',
    '    alarms: [{ at: 1, rule: pulse-high }]',
  ]
  write('rules.tests.yaml', `${tests.join('\n')}\n`)
  expect(testRules(path).map(({ name, fault }) => [name, ...told(fault ? [fault] : [])])).toEqual([
    ['told after two seconds'],
    ['silence'],
    ['wrong', 'rules.tests.yaml:9: expected raised pulse-high at 1 s, came nothing'],
  ])
})
