import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ruleFileSchema } from '@millrace/cloud-processor/rules'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { answer } from './answer.ts'
import { backtest } from './backtest.ts'
import { compareRuns } from './compare.ts'
import { Run } from './run.ts'
import { at, livedWard, rules } from './testing/lived-ward.ts'
import type { Ward } from './testing/ward.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-compare-'))
let ward: Ward
beforeAll(async () => {
  ward = await livedWard()
})
afterAll(async () => {
  await ward.close()
  rmSync(folder, { recursive: true })
})

const [low, silent] = rules.rules
const runOf = (all: object[]) => new Run(ruleFileSchema.parse({ rules: all }))

test('alarms that only one of two files has are listed for each rule', async () => {
  const first = runOf([low!, silent!])
  const second = runOf([
    { ...low, set: 84.5, clear: 84.5, delayOnMs: 1000 },
    { ...silent, name: 'gone' },
  ])
  await backtest(ward.api, [first, second], {})
  const found = compareRuns(first, second).map(({ rule, onlyFirst, onlySecond, ...counts }) => ({
    ...{ rule, ...counts },
    onlyFirst: onlyFirst.map(({ raisedMs }) => raisedMs),
    onlySecond: onlySecond.map(({ device }) => device),
  }))
  expect(found).toEqual([
    { rule: 'spo2-low', first: 3, second: 2, onlyFirst: [at(5)], onlySecond: [] },
    { rule: 'no-spo2', first: 2, second: 0, onlyFirst: [at(14), at(90)], onlySecond: [] },
    { rule: 'gone', first: 0, second: 2, onlyFirst: [], onlySecond: ['bed-1', 'bed-2'] },
    { rule: 'ingest-gap', first: 1, second: 1, onlyFirst: [], onlySecond: [] },
  ])
})

test('a file beside itself has no difference, and both are one answer', async () => {
  const path = join(folder, 'rules.yaml')
  writeFileSync(path, stringify(rules))
  const { value, text } = await answer(ward.api, path, { compare: path })
  expect(value).toMatchObject({ differences: [{ onlyFirst: [], onlySecond: [] }, {}, {}] })
  expect(text).toMatch(/spo2-low +3 +3 +0 +0/)
  await expect(answer(ward.api, path, { compare: join(folder, 'none.yaml') })).rejects.toThrow('none.yaml')
})
