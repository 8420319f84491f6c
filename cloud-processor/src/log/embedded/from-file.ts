/** Records out of what the reader worker found. */
import type { Topic } from '@millrace/contract'
import { inPlaceOf } from '../damage.ts'
import type { Damage, LogRecord } from '../log.ts'
import { decodeBlock } from './block.ts'
import type { FromReader } from './protocol.ts'

export interface Limit {
  records: number
  bytes: number
}

export interface Asked {
  topic: Topic
  partition: number
  from: number
  limit: Limit
}

/** What is damaged has one record in its place, and is told. */
export function recordsOf({ blocks, buffer }: FromReader, asked: Asked, onDamage: (damage: Damage) => void): LogRecord[] {
  const { topic, partition, from, limit } = asked
  const records: LogRecord[] = []
  let at = 0
  for (const block of blocks) {
    const { first, count, timeMs, damage } = block
    if (damage) {
      const to = first + count
      const found = {
        topic,
        partition,
        from: Math.max(first, from),
        to,
        fromMs: damage.fromMs,
        toMs: timeMs,
        detail: damage.detail,
      }
      onDamage(found)
      records.push(inPlaceOf(found))
      continue
    }
    decodeBlock(Buffer.from(buffer.buffer, buffer.byteOffset + at, block.bytes), block, { from, into: records })
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
