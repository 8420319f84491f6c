import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { answer } from './answer.ts'
import { readLabels } from './label-file.ts'
import type { Verdict } from './labels.ts'
import { at, livedWard, rules } from './testing/lived-ward.ts'
import type { Ward } from './testing/ward.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-labels-'))
function write(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const iso = (second: number) => new Date(at(second)).toISOString()
const csv = (...rows: string[]) => `device,from,to,rule\n${rows.join('\n')}\n`

let ward: Ward
beforeAll(async () => {
  ward = await livedWard()
})
afterAll(async () => {
  await ward.close()
  rmSync(folder, { recursive: true })
})

test('labels are found or missed, alarms outside of them are false, and the time to detect is told', async () => {
  const labels = csv(
    `bed-1,${iso(3)},${iso(9)},spo2-low`,
    `bed-1,${iso(83)},${iso(90)},`,
    `bed-1,${iso(40)},${iso(50)},`,
    `bed-9,${iso(40)},${iso(50)},`,
    `bed-1,${iso(90)},${iso(900)},`,
  )
  const { value, text } = await answer(ward.api, write('rules.yaml', stringify(rules)), { labels: write('labels.csv', labels) })
  const { rules: judged, outside, unknown } = (value as { labels: Verdict }).labels
  expect(
    judged.map(({ rule, found, missed, falseAlarms, detectMedianMs }) => [
      ...[rule, found, missed.length, falseAlarms.length, detectMedianMs],
    ]),
  ).toEqual([
    ['spo2-low', 2, 2, 1, 1000],
    ['no-spo2', 0, 3, 2, null],
  ])
  expect([outside, unknown]).toEqual([1, ['bed-9']])
  expect(text).toContain('beyond the stretch, not counted: 1.')
})

test('labels come as CSV or YAML, with the same result', () => {
  const yaml = stringify({ labels: [{ device: 'bed, 1', from: iso(1), to: iso(2) }] })
  const expected = [{ device: 'bed, 1', fromMs: at(1), toMs: at(2) }]
  expect(readLabels(write('same.yaml', yaml), [])).toEqual(expected)
  expect(readLabels(write('same.csv', `\uFEFFfrom,to,device\r\n${iso(1)},${iso(2)},"bed, 1"\r\n`), [])).toEqual(expected)
})

test.each([
  ['head.csv', 'device;from;to\n', 'head.csv:1: the first line is "device;from;to". Make it device,from,to'],
  ['few.csv', csv(`bed-1,${iso(1)}`), 'few.csv:2: to is missing'],
  ['many.csv', csv(`bed-1,${iso(1)},${iso(2)},,`), 'many.csv:2: 5 values for 4 columns'],
  ['time.csv', csv('bed-1,yesterday,today'), 'time.csv:2: from yesterday is not a time with its zone'],
  ['order.csv', csv(`bed-1,${iso(2)},${iso(1)}`), `order.csv:2: from ${iso(2)} is after to`],
  ['rule.csv', csv(`bed-1,${iso(1)},${iso(2)},spo2`), 'rule.csv:2: there is no rule spo2. The file has spo2-low.'],
  ['none.csv', csv(), 'none.csv has no labels'],
  ['key.yaml', 'labels:\n  - { device: a, form: b, to: c }\n', 'key.yaml:2: labels.0.form: there is no such key'],
])('%s is refused with its line and a remedy', (name, text, said) => {
  expect(() => readLabels(write(name, text), ['spo2-low'])).toThrow(said)
})
