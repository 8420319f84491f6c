import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { blocksOf, extractConformance } from '../conformance.ts'
import type { Extract } from '../extract.ts'
import { csv } from './csv.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-csv-'))
afterAll(() => rmSync(folder, { recursive: true }))

function write(text: string): string {
  const path = join(folder, 'rows.csv')
  writeFileSync(path, text)
  return path
}

async function rowsOf(text: string, config: object = {}) {
  const blocks = await blocksOf(csv.read(write(text), csv.schema.parse(config), { at: 0, rows: 0 }))
  return { rows: blocks.flatMap(({ rows }) => rows), bad: blocks.flatMap(({ bad }) => bad) }
}

extractConformance(csv as unknown as Extract, () => {
  const rows = 30_000
  const lines = Array.from({ length: rows }, (_, k) => (k % 7 === 0 ? `${k},"a ""b""\nc, é"` : k % 100 === 3 ? 'cut' : `${k},x`))
  return { path: write(`\uFEFFn,text\r\n${lines.join('\r\n')}\r\n`), rows }
})

test('a bad line harms no other: each is told with its reason', async () => {
  const { rows, bad } = await rowsOf('a,b\n1,2\n3\n4,"five\n6,7\n8,"9"x\n10,11\n12')
  expect(rows.map(({ number, fields }) => [number, { ...fields }])).toEqual([
    [1, { a: '1', b: '2' }],
    [4, { a: '6', b: '7' }],
    [6, { a: '10', b: '11' }],
  ])
  expect(bad).toEqual([
    { number: 2, reason: 'columns', text: '3' },
    { number: 3, reason: 'quotes', text: '4,"five' },
    { number: 5, reason: 'quotes', text: '8,"9"x' },
    { number: 7, reason: 'cut-off', text: '12' },
  ])
})

test('names come from the job where the file has none, and comments are passed over', async () => {
  const { rows } = await rowsOf('# from a logger\n1;2\n\n3;4', { columns: ['a', 'b'], separator: ';', comment: '#' })
  expect(rows.map(({ fields }) => fields)).toEqual([
    { a: '1', b: '2' },
    { a: '3', b: '4' },
  ])
})

test.each(['a,a\n1,2\n', '"a,b\n1,2\n'])('a header that names no columns is refused: %j', async (text) => {
  await expect(rowsOf(text)).rejects.toMatchObject({ code: 'IMPORT_FILE' })
})

test('what was written as RFC 4180 is read as it was', async () => {
  const quoted = (field: string) => `"${field.replaceAll('"', '""')}"`
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', 'é', ' ', '😀'), maxLength: 8 })
  const records = fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(records, async (all) => {
      const text = `a,b\n${all.map(([a, b]) => `${quoted(a)},${quoted(b)}`).join('\n')}\n`
      const { rows, bad } = await rowsOf(text)
      expect(bad).toEqual([])
      expect(rows.map(({ fields }) => [fields.a, fields.b])).toEqual(all)
    }),
  )
})
