/** Records out of what the reader worker found. */
import { MillraceError } from '@millrace/platform'
import type { LogRecord } from '../log.ts'
import { decodeBlock } from './block.ts'
import type { FromReader } from './protocol.ts'

export interface Limit {
  records: number
  bytes: number
}

/** @throws MillraceError LOG_CORRUPT */
export function recordsOf({ blocks, buffer }: FromReader, from: number, limit: Limit, path: string): LogRecord[] {
  const records: LogRecord[] = []
  let at = 0
  for (const block of blocks) {
    const bytes = Buffer.from(buffer.buffer, buffer.byteOffset + at, block.bytes)
    if (!decodeBlock(bytes, block, { from, into: records }))
      throw new MillraceError('LOG_CORRUPT', { path, detail: `block at offset ${block.first} is damaged` })
    at += block.bytes
  }
  return cutToLimit(records, limit)
}

function cutToLimit(records: LogRecord[], limit: Limit): LogRecord[] {
  let bytes = 0
  let count = 0
  while (count < records.length && count < Math.max(1, limit.records) && (count === 0 || bytes < limit.bytes))
    bytes += records[count++]!.value.length
  return count === records.length ? records : records.slice(0, count)
}
