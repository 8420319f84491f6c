import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { blocksOf, extractConformance } from '../conformance.ts'
import type { Extract } from '../extract.ts'
import { lineProtocol } from './line-protocol.ts'

const path = join(mkdtempSync(join(tmpdir(), 'millrace-lines-')), 'points.lp')
afterAll(() => rmSync(join(path, '..'), { recursive: true }))

extractConformance(lineProtocol as unknown as Extract, () => {
  const rows = 15_000
  const lines = Array.from({ length: rows }, (_, k) => (k % 50 === 7 ? 'vitals hr=\n' : `vitals,bed=b\\ 1 hr=${k}i ${k}000000\n`))
  writeFileSync(path, `# from a database\n${lines.join('')}`)
  return { path, rows }
})

test('measurement, tags, fields and time are columns', async () => {
  writeFileSync(path, 'vitals,bed=b1 hr=60i,note="a b" 1700000000000000000\nvitals hr=\n')
  const [block] = await blocksOf(lineProtocol.read(path, {}, { at: 0, rows: 0 }))
  expect(block!.rows[0]!.fields).toEqual({
    ...{ measurement: 'vitals', 'tag.bed': 'b1' },
    ...{ 'vitals.hr': 60, 'vitals.note': 'a b', time: '1700000000000000000' },
  })
  expect(block!.bad).toEqual([{ number: 2, reason: 'line', text: 'vitals hr=' }])
})
