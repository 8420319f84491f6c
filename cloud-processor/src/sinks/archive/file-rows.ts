/** The rows of an archived file, one row group at a time. */
import { zstdDecompressSync } from 'node:zlib'
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetScan } from 'hyparquet'
import type { Disk } from './disk.ts'
import { columns, type Rows } from './schema.ts'

const compressors = {
  // A page of nothing but nulls has no bytes.
  ZSTD: (bytes: Uint8Array, length: number) => zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, length) }),
}
/** As they were written: a Date has no microseconds. */
const parsers = { timestampFromMicroseconds: (micros: bigint) => micros }

export async function* rowsOf(disk: Disk, path: string): AsyncGenerator<Rows> {
  const open = disk.open(path)
  try {
    const file: AsyncBuffer = open
    const metadata = await parquetMetadataAsync(file)
    const scan = await parquetScan({ file, metadata, compressors, parsers })
    let rowStart = 0
    for (const { num_rows } of metadata.row_groups) {
      const rowEnd = rowStart + Number(num_rows)
      const read = columns.map(async ({ name }) => [name, await scan.readColumn({ column: name, rowStart, rowEnd })] as const)
      yield Object.fromEntries(await Promise.all(read)) as unknown as Rows
      rowStart = rowEnd
    }
  } finally {
    open.close()
  }
}

/** @throws when it is not a Parquet file */
export async function footerOf(disk: Disk, path: string): Promise<FileMetaData> {
  const file = disk.open(path)
  try {
    return await parquetMetadataAsync(file as AsyncBuffer)
  } finally {
    file.close()
  }
}
