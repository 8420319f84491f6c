import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { blocksOf, extractConformance } from '../conformance.ts'
import type { Extract } from '../extract.ts'
import { jsonLines } from './json-lines.ts'

const path = join(mkdtempSync(join(tmpdir(), 'millrace-json-')), 'rows.jsonl')
afterAll(() => rmSync(join(path, '..'), { recursive: true }))

extractConformance(jsonLines as unknown as Extract, () => {
  const rows = 20_000
  writeFileSync(path, Array.from({ length: rows }, (_, k) => (k % 50 === 7 ? '{"a":\n' : `{"a":${k},"b":"x y"}\n`)).join(''))
  return { path, rows }
})

test('a field inside another has its path as its name, and a bad line harms no other', async () => {
  writeFileSync(path, '{"t":1,"v":{"hr":60,"__proto__":{"x":1}}}\n[1]\n{"t":2}\n{"t":3')
  const [block] = await blocksOf(jsonLines.read(path, {}, { at: 0, rows: 0 }))
  expect(block!.rows.map(({ number, fields }) => [number, fields])).toEqual([
    [1, { t: 1, 'v.hr': 60, 'v.__proto__.x': 1 }],
    [3, { t: 2 }],
  ])
  expect(block!.bad).toEqual([
    { number: 2, reason: 'json', text: '[1]' },
    { number: 4, reason: 'cut-off', text: '{"t":3' },
  ])
})
