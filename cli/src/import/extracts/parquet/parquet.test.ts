import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, expect, test } from 'vitest'
import { blocksOf, extractConformance } from '../conformance.ts'
import type { Extract } from '../extract.ts'
import { parquet } from './parquet.ts'

const path = join(mkdtempSync(join(tmpdir(), 'millrace-parquet-')), 'rows.parquet')
afterAll(() => rmSync(join(path, '..'), { recursive: true }))
const startMs = Date.UTC(2026, 10, 1)

function write(rows: number, rowGroupSize = 15_000): void {
  const of = <T>(value: (k: number) => T) => Array.from({ length: rows }, (_, k) => value(k))
  const columnData = [
    { name: 'time', data: of((k) => new Date(startMs + k * 1000)), type: 'TIMESTAMP' as const },
    { name: 'hr', data: of((k) => (k % 10 === 3 ? null : 60 + (k % 40))), type: 'INT32' as const, nullable: true },
    { name: 'bed', data: of((k) => `bed-${k % 3}`), type: 'STRING' as const },
  ]
  writeFileSync(path, new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize })))
}

extractConformance(parquet as unknown as Extract, () => {
  write(40_000)
  return { path, rows: 40_000 }
})

test('times are epoch ms, and null is left out as missing', async () => {
  write(4)
  const [block] = await blocksOf(parquet.read(path, {}, { at: 0, rows: 0 }))
  expect(block!.rows[0]!.fields).toEqual({ time: startMs, hr: 60, bed: 'bed-0' })
  expect(block!.rows[3]!.fields).toMatchObject({ time: startMs + 3000, hr: null })
})

test('of a file that was cut off nothing is read', async () => {
  write(1000)
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.subarray(0, bytes.length - 10))
  await expect(blocksOf(parquet.read(path, {}, { at: 0, rows: 0 }))).rejects.toMatchObject({ code: 'IMPORT_FILE' })
})
