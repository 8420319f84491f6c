/**
 * A block: neighbouring records of one topic partition that became durable in one transaction.
 *
 * Layout, little-endian:
 *
 *     u8   number of names, then for each: u8 length, name (UTF-8): ids of source logs, and last the checksum,
 *          `crc32 ` and 8 hex digits
 *     then for each record:
 *     u32  value length
 *     u32  key length
 *     u8   0: no source; n: source in the n-th source log, then u32 partition, u48 offset, u32 index
 *     ...  key (UTF-8)
 *     ...  value
 *
 * First offset, count and time are columns of the row. Offsets rise by one inside a block. The checksum is the CRC-32 of the
 * first offset, the count and the time (float64 each), of what lies before its digits and of what lies behind them. A block of
 * a version without it has no such name; such a version reads a block with it.
 */
import { crc32 } from 'node:zlib'

import type { Source } from '@millrace/contract'
import type { LogRecord, NewRecord } from '../log.ts'

const recordHead = 9
const sourceBytes = 14

/** Enough bytes for one record, whatever its key is made of. */
export function recordBytesMax(record: NewRecord): number {
  return recordHead + sourceBytes + record.key.length * 3 + record.value.length
}

const checksumName = 'crc32 '
const checksumDigits = 8
const checksumLength = checksumName.length + checksumDigits

/** Bytes for the block's head. */
export function headBytes(sourceLogs: string[]): number {
  return sourceLogs.reduce((sum, id) => sum + 1 + Buffer.byteLength(id), 2 + checksumLength)
}

/** Distinct source logs of the records, in order of appearance; the block's head. */
export function sourceLogsOf(records: NewRecord[]): string[] {
  const logs: string[] = []
  let last: string | undefined
  for (const { source } of records) {
    if (source === undefined || source.log === last) continue
    last = source.log
    if (!logs.includes(last)) logs.push(last)
  }
  return logs
}

/** Columns of a block's row. */
export interface BlockPlace {
  first: number
  count: number
  timeMs: number
}

/** Writes a block at `at` and returns its end. */
export function encodeBlock(
  out: Buffer,
  at: number,
  place: BlockPlace,
  content: { sourceLogs: string[]; records: NewRecord[] },
): number {
  const { sourceLogs, records } = content
  const head = writeHead(out, at, sourceLogs)
  const end = writeRecords(out, head, sourceLogs, records)
  const sum = checksum(out.subarray(at, end), head - at - checksumDigits, place)
  out.write(sum.toString(16).padStart(checksumDigits, '0'), head - checksumDigits, 'latin1')
  return end
}

function writeRecords(out: Buffer, at: number, sourceLogs: string[], records: NewRecord[]): number {
  let end = at
  for (const { key, value, source } of records) {
    const head = end
    out.writeUInt32LE(value.length, head)
    end += recordHead
    if (source === undefined) out[head + 8] = 0
    else {
      out[head + 8] = sourceLogs.indexOf(source.log) + 1
      out.writeUInt32LE(source.partition, end)
      out.writeUIntLE(source.offset, end + 4, 6)
      out.writeUInt32LE(source.index, end + 10)
      end += sourceBytes
    }
    const keyLength = out.write(key, end)
    out.writeUInt32LE(keyLength, head + 4)
    end += keyLength
    out.set(value, end)
    end += value.length
  }
  return end
}

function writeHead(out: Buffer, at: number, sourceLogs: string[]): number {
  out[at++] = sourceLogs.length + 1
  for (const id of sourceLogs) {
    out[at] = out.write(id, at + 1)
    at += 1 + out[at]!
  }
  out[at] = checksumLength
  out.write(checksumName, at + 1, 'latin1')
  return at + 1 + checksumLength
}

const placeBytes = Buffer.alloc(24)

/** Of a whole block; its digits lie at `digitsAt`. */
function checksum(block: Buffer, digitsAt: number, { first, count, timeMs }: BlockPlace): number {
  placeBytes.writeDoubleLE(first, 0)
  placeBytes.writeDoubleLE(count, 8)
  placeBytes.writeDoubleLE(timeMs, 16)
  const before = crc32(block.subarray(0, digitsAt), crc32(placeBytes))
  return crc32(block.subarray(digitsAt + checksumDigits), before)
}

/** What is wrong with a block as it was read; undefined: nothing that can be seen. One of a version without checksums has to have the right form. */
export function damageOf(block: Buffer, place: BlockPlace, hasChecksum: boolean): string | undefined {
  const { names, at } = readNames(block)
  const last = names.at(-1)
  if (last?.length !== checksumLength || !last.startsWith(checksumName)) {
    if (hasChecksum) return 'its checksum is gone'
    return isWhole(block, place) ? undefined : 'its bytes are not a whole block'
  }
  const sum = checksum(block, at - checksumDigits, place)
  return sum === Number.parseInt(last.slice(checksumName.length), 16) ? undefined : 'its checksum is wrong'
}

function isWhole(block: Buffer, place: BlockPlace): boolean {
  return decodeBlock(block, place, { from: Number.POSITIVE_INFINITY, into: [] })
}

/** Where the records go that lie at `from` or above, until there are `recordsMax`. */
export interface Wanted {
  from: number
  into: LogRecord[]
  recordsMax?: number
}

/** Values are views of `bytes`. False when the bytes are not a whole block, as far as they were read. */
export function decodeBlock(
  bytes: Buffer,
  { first, count, timeMs }: BlockPlace,
  { from, into, recordsMax = Number.POSITIVE_INFINITY }: Wanted,
): boolean {
  const { names: logs, at: head } = readNames(bytes)
  let at = head
  for (let offset = first; offset < first + count; offset++) {
    if (at + recordHead > bytes.length) return false
    const valueLength = bytes.readUInt32LE(at)
    const keyLength = bytes.readUInt32LE(at + 4)
    const log = bytes[at + 8]!
    const keyAt = at + recordHead + (log === 0 ? 0 : sourceBytes)
    const valueAt = keyAt + keyLength
    const end = valueAt + valueLength
    if (end > bytes.length || log > logs.length) return false
    if (offset >= from) {
      if (into.length >= recordsMax) return true
      const source = log === 0 ? undefined : readSource(bytes, at + recordHead, logs[log - 1]!)
      into.push({ offset, key: bytes.toString('utf8', keyAt, valueAt), value: bytes.subarray(valueAt, end), timeMs, source })
    }
    at = end
  }
  return at === bytes.length
}

function readNames(bytes: Buffer): { names: string[]; at: number } {
  const names: string[] = []
  let at = 1
  for (let k = bytes[0] ?? 0; k > 0; k--) {
    const end = at + 1 + (bytes[at] ?? 0)
    names.push(bytes.toString('utf8', at + 1, end))
    at = end
  }
  return { names, at }
}

function readSource(bytes: Buffer, at: number, log: string): Source {
  return {
    log,
    partition: bytes.readUInt32LE(at),
    offset: bytes.readUIntLE(at + 4, 6),
    index: bytes.readUInt32LE(at + 10),
  }
}
