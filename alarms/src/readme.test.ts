/** The reference says what the engine does: its file is loaded and its worked example is run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '@millrace/platform'
import { afterAll, expect, test } from 'vitest'
import { createEngine } from './engine.ts'
import { ruleFileSchema } from './rule-file.ts'
import { declaration, gap, readings, run, tick } from './testing/records.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-alarms-'))
afterAll(() => rmSync(folder, { recursive: true }))

function exampleFile() {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  const path = join(folder, 'rules.yaml')
  writeFileSync(path, /```yaml\n(.*?)```/s.exec(readme)![1]!)
  return loadConfig(ruleFileSchema, path)
}

const tenMs = Date.UTC(2026, 0, 1, 10)
const second = (s: number) => tenMs + s * 1000
const ticks = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => tick(second(from + i)))

function day(subject: string) {
  const at = (seconds: number[], values: number[]) => readings(seconds.map(second), values, { device: 'bed-3', subject })
  return run(createEngine(exampleFile()), [
    tick(tenMs),
    declaration([{}], 'bed-3'),
    at([0, 1, 2, 3, 4, 5], [87, 86, 86, 86, 86, 86]),
    ...ticks(1, 6),
    at([6], [89]),
    gap(second(7), undefined, 'probe-off', 'bed-3'),
    ...ticks(7, 20),
    at([20, 23], [95, 96]),
  ]).map(({ change, rule, atMs, text }) => `${(atMs - tenMs) / 1000} ${change} ${rule}: ${text}`)
}

test('the worked example happens as told', () => {
  expect(day('anna')).toEqual([
    '5 raised spo2-low: spo2 86 % below 88 % for 5 s',
    '16 raised no-signal: No spo2 for 10 s (probe-off)',
    '20 cleared no-signal: No spo2 for 10 s (probe-off)',
    '23 cleared spo2-low: spo2 86 % below 88 % for 5 s',
  ])
  expect(day('copd-7').filter((line) => line.includes('spo2-low'))).toEqual([])
})
