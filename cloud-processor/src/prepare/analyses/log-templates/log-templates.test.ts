import type { Channel } from '@millrace/contract'
import { expect, test } from 'vitest'
import { entryOf, tellAll, testAnalysis } from '../conformance.ts'
import { logTemplates } from './log-templates.ts'
import { masked } from './masks.ts'

const source: Channel = { name: 'syslog', kind: 'text', datatype: 'String', unit: '1' }
const linesOf = (lines: string[]) => lines.map((value, k) => ({ source: 0, t: (k + 1) * 1000, value }))
const told = (lines: string[], keys: object = {}) =>
  tellAll(logTemplates, entryOf(logTemplates, [source], keys), [source], linesOf(lines))
const valuesOf = (output: string, lines: string[], keys: object = {}) =>
  told(lines, keys).flatMap(([name, , value]) => (name === output ? [value] : []))

const lines = [
  'port /dev/ttyUSB0 closed after 12 s',
  'port /dev/ttyUSB1 closed after 7 s',
  'link up',
  'port /dev/ttyS0 opened after 3 s',
]

testAnalysis(logTemplates, {
  faulty: [{ similarity: 2 }, { templatesMax: 0 }],
  sources: [source],
  samples: linesOf(Array.from({ length: 60 }, (_, k) => `${lines[k % 4]} ${k % 7 === 0 ? 'again' : ''}`)),
})

test.each([
  ['2026-11-30T01:02:03.456Z start', '<TIME> start'],
  ['Nov 30 01:02:03 gw kernel: x', '<TIME> gw kernel: x'],
  ['from 10.0.0.7:1883 to 192.168.1.0/24', 'from <IP> to <IP>'],
  ['mac 00:1a:2B:3c:4d:5e joined', 'mac <MAC> joined'],
  ['id 123e4567-e89b-12d3-a456-426614174000', 'id <UUID>'],
  ['open /dev/serial/by-id/usb-1 failed', 'open <PATH> failed'],
  ['at 0xdeadBEEF, hash 9f86d081884c', 'at <HEX>, hash <HEX>'],
  ['took 12.5ms, 80%, -3 dB, x2', 'took <NUM>ms, <NUM>%, <NUM> dB, x2'],
  ['facade decade', 'facade decade'],
])('%s: %s', (line, mask) => {
  expect(masked(line)).toBe(mask)
})

test('lines that differ in what varies have one template; it is counted', () => {
  expect(valuesOf('template', lines)).toEqual([
    'port <PATH> closed after <NUM> s',
    'port <PATH> closed after <NUM> s',
    'link up',
    'port <PATH> <*> after <NUM> s',
  ])
  expect(valuesOf('count', lines)).toEqual([1, 2, 1, 3])
  expect(valuesOf('templates', lines, { similarity: 0.9 })).toEqual([1, 1, 2, 3])
})

test('a template is new where a line begins it, once the usual ones are learnt', () => {
  expect(valuesOf('new', lines, { learnMs: 0 })).toEqual([true, false, true, false])
  expect(valuesOf('new', [...lines, 'out of memory'], { learnMs: 4000 })).toEqual([false, false, false, false, true])
})

test('past the bound the one goes that no line had for longest', () => {
  const some = ['alpha', 'beta', 'alpha', 'gamma', 'alpha', 'beta']
  expect(valuesOf('new', some, { learnMs: 0, templatesMax: 2 })).toEqual([true, true, false, true, false, true])
})

test('no line takes long', () => {
  const hostile = ['/'.repeat(400), 'a:'.repeat(200), '0'.repeat(400), 'ab:'.repeat(133), '1.'.repeat(200), '/a'.repeat(200)]
  const startedMs = performance.now()
  told(Array.from({ length: 60 }, (_, k) => hostile[k % hostile.length]!))
  expect(performance.now() - startedMs).toBeLessThan(1000)
})
