/**
 * A block: neighbouring records of one topic partition that became durable in one transaction.
 *
 * Layout, little-endian:
 *
 *     u8   number of source logs, then for each: u8 length, log id (UTF-8)
 *     then for each record:
 *     u32  value length
 *     u32  key length
 *     u8   0: no source; n: source in the n-th source log, then u32 partition, u48 offset, u32 index
 *     ...  key (UTF-8)
 *     ...  value
 *
 * First offset, count and time are columns of the row. Offsets rise by one inside a block.
 */
import type { Source } from '@millrace/contract'
import type { LogRecord, NewRecord } from '../log.ts'

const recordHead = 9
const sourceBytes = 14

/** Enough bytes for one record, whatever its key is made of. */
export function recordBytesMax(record: NewRecord): number {
  return recordHead + sourceBytes + record.key.length * 3 + record.value.length
}

/** Bytes for the block's head. */
export function headBytes(sourceLogs: string[]): number {
  return sourceLogs.reduce((sum, id) => sum + 1 + Buffer.byteLength(id), 1)
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

/** Writes a block at `at` and returns its end. */
export function encodeBlock(out: Buffer, at: number, sourceLogs: string[], records: NewRecord[]): number {
  let end = writeHead(out, at, sourceLogs)
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
  out[at++] = sourceLogs.length
  for (const id of sourceLogs) {
    out[at] = out.write(id, at + 1)
    at += 1 + out[at]!
  }
  return at
}

/** Where the records go that lie at `from` or above, until there are `recordsMax`. */
export interface Wanted {
  from: number
  into: LogRecord[]
  recordsMax?: number
}

/** Values are views of `bytes`. False when the bytes are no whole block, as far as they were read. */
export function decodeBlock(
  bytes: Buffer,
  { first, count, timeMs }: { first: number; count: number; timeMs: number },
  { from, into, recordsMax = Number.POSITIVE_INFINITY }: Wanted,
): boolean {
  const logs: string[] = []
  let at = 1
  for (let k = bytes[0] ?? 0; k > 0; k--) {
    const end = at + 1 + (bytes[at] ?? 0)
    logs.push(bytes.toString('utf8', at + 1, end))
    at = end
  }
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

function readSource(bytes: Buffer, at: number, log: string): Source {
  return {
    log,
    partition: bytes.readUInt32LE(at),
    offset: bytes.readUIntLE(at + 4, 6),
    index: bytes.readUInt32LE(at + 10),
  }
}
