/**
 * How far a file is imported: one small record of the outbox for each file, in the transaction that holds the readings up to there.
 * Before a file is read on, what was read of it must still be what it was.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { MillraceError } from '@millrace/platform'
import type { Place } from './extracts/extract.ts'

export interface FileCounts {
  /** Rows: read = used + refused + empty. */
  rows: { read: number; refused: number; empty: number }
  /** Readings, or samples of waveforms: read = written + refused. */
  readings: { written: number; refused: number }
  samples: { written: number; refused: number }
  /** Of rows and readings, by reason. */
  reasons: Record<string, number>
}

export interface Watermark {
  path: string
  place: Place
  counts: FileCounts
  /** CRC-32 of so many bytes from the start, which are those that were read. */
  checksum: { bytes: number; crc: number }
  /** As the file was when it was read. */
  size: number
  mtimeMs: number
  isDone: boolean
  /** Of the file with what was refused. */
  rejectBytes: number
}

export function emptyCounts(): FileCounts {
  return {
    rows: { read: 0, refused: 0, empty: 0 },
    readings: { written: 0, refused: 0 },
    samples: { written: 0, refused: 0 },
    reasons: {},
  }
}

export function newWatermark(path: string): Watermark {
  const none = { place: { at: 0, rows: 0 }, checksum: { bytes: 0, crc: 0 }, size: 0, mtimeMs: 0, isDone: false, rejectBytes: 0 }
  return { path, counts: emptyCounts(), ...none }
}

export interface FileLook {
  size: number
  mtimeMs: number
}

/** Of several files their bytes together, and the newest time. @throws MillraceError IMPORT_FILE */
export function lookAt(paths: string[]): FileLook {
  const looks = paths.map((path) => {
    try {
      return statSync(path)
    } catch (cause) {
      throw new MillraceError('IMPORT_FILE', { path, detail: (cause as Error).message }, cause)
    }
  })
  return { size: looks.reduce((sum, { size }) => sum + size, 0), mtimeMs: Math.max(...looks.map(({ mtimeMs }) => mtimeMs)) }
}

/** CRC-32 of the bytes from one place to another, begun with that of what is before. */
export function checksumOf(path: string, { from, to }: { from: number; to: number }, before = 0): number {
  const bytes = Buffer.allocUnsafe(Math.min(1 << 20, to - from))
  const file = openSync(path, 'r')
  try {
    let crc = before
    for (let at = from; at < to; ) {
      const length = readSync(file, bytes, 0, Math.min(bytes.length, to - at), at)
      if (length === 0) break
      crc = crc32(bytes.subarray(0, length), crc)
      at += length
    }
    return crc
  } finally {
    closeSync(file)
  }
}

/** Of so many bytes of several files, one behind the other. */
export function checksumOfAll(paths: string[], bytes: number): number {
  let left = bytes
  return paths.reduce((crc, path) => {
    const to = Math.min(left, statSync(path).size)
    left -= to
    return checksumOf(path, { from: 0, to }, crc)
  }, 0)
}

/** @throws MillraceError IMPORT_CHANGED where what was read of the files is not there any more */
export function checkUnchanged({ path, checksum, counts }: Watermark, paths: string[], { size }: FileLook): void {
  const { bytes, crc } = checksum
  const fail = (detail: string): never => {
    throw new MillraceError('IMPORT_CHANGED', { path, rows: counts.rows.read, detail })
  }
  if (size < bytes) fail(`it has ${size} bytes, and ${bytes} were read`)
  if (checksumOfAll(paths, bytes) !== crc) fail(`its first ${bytes} bytes are not those that were read`)
}
