/**
 * Parquet, a row group at a time. A file that was cut off has no footer, so nothing of it is read. Times of the types of Parquet are
 * epoch ms. A nested column is left out.
 */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { MillraceError, setOwn } from '@millrace/platform'
import { asyncBufferFromFile, parquetMetadataAsync, parquetScan } from 'hyparquet'
import { z } from 'zod'
import type { Block, Extract, Place, Row } from '../extract.ts'

const schema = z.strictObject({
  columns: z.array(z.string()).optional().describe('Columns that are read; absent: all'),
})
type Config = z.infer<typeof schema>

export const parquet: Extract<Config> = { kind: 'parquet', schema, isAppendable: false, read }

const blockRows = 10_000
const compressors = {
  // A page of nothing but nulls has no bytes.
  ZSTD: (bytes: Uint8Array, length: number) => zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, length) }),
  GZIP: (bytes: Uint8Array) => gunzipSync(bytes),
  BROTLI: (bytes: Uint8Array) => brotliDecompressSync(bytes),
}
const parsers = {
  timestampFromMilliseconds: Number,
  timestampFromMicroseconds: (us: bigint) => Number(us / 1000n),
  timestampFromNanoseconds: (ns: bigint) => Number(ns / 1_000_000n),
  dateFromDays: (days: number) => days * 86_400_000,
}

async function* read(path: string, config: Config, from: Place): AsyncGenerator<Block> {
  try {
    yield* blocksOf(path, config, from)
  } catch (cause) {
    throw new MillraceError('IMPORT_FILE', { path, detail: `it is not a whole Parquet file: ${(cause as Error).message}` }, cause)
  }
}

async function* blocksOf(path: string, config: Config, from: Place): AsyncGenerator<Block> {
  const file = await asyncBufferFromFile(path)
  const metadata = await parquetMetadataAsync(file)
  const scan = await parquetScan({ file, metadata, compressors, parsers })
  // Behind the root; a nested column has children.
  const own = metadata.schema.slice(1).filter(({ num_children: children }) => !children)
  const names = own.map(({ name }) => name).filter((name) => config.columns === undefined || config.columns.includes(name))
  let rowStart = 0
  for (const { num_rows: count } of metadata.row_groups) {
    const rowEnd = rowStart + Number(count)
    const start = rowStart
    rowStart = rowEnd
    if (rowEnd <= from.at) continue
    const columns = await Promise.all(names.map((column) => scan.readColumn({ column, rowStart: start, rowEnd })))
    for (let at = start; at < rowEnd; at += blockRows) {
      const end = Math.min(rowEnd, at + blockRows)
      if (end > from.at) yield { rows: rowsOf(names, columns, { at, end, start }), bad: [], place: { at: end, rows: end } }
    }
  }
}

function rowsOf(
  names: string[],
  columns: ArrayLike<unknown>[],
  { at, end, start }: Record<'at' | 'end' | 'start', number>,
): Row[] {
  const rows: Row[] = []
  for (let k = at; k < end; k++) {
    const fields: Row['fields'] = {}
    for (let c = 0; c < names.length; c++) setOwn(fields, names[c]!, columns[c]![k - start])
    rows.push({ number: k + 1, fields })
  }
  return rows
}
