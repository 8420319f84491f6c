/** The records of a batch in memory, for readers. */
import type { Cursor } from '@millrace/platform/varint'
import type { LogRecord } from '../../log.ts'
import type { Chunk } from '../client.ts'
import type { Encoded } from './encode.ts'
import { createSourceReader } from './headers.ts'
import { readVarint } from './varint.ts'

/** What was sent, once its offset is known. */
export function chunkOf({ count, timeMs, payload }: Encoded, first: number, wireBytes: number): Chunk {
  return toChunk(Buffer.from(payload), { first, next: first + count, count, timeMs, hasOneTime: true, wireBytes })
}

export interface ChunkHead extends Pick<Chunk, 'first' | 'next' | 'count' | 'wireBytes'> {
  /** Of the first record, or of all. */
  timeMs: number
  hasOneTime: boolean
}

export function toChunk(records: Buffer, head: ChunkHead): Chunk {
  const { first, next, count, wireBytes } = head
  const decode: Chunk['decode'] = (from, into, limit) => decodeRecords(records, head, { from, into, limit })
  return { first, next, count, bytes: records.length, wireBytes, decode }
}

interface Wanted {
  from: number
  into: LogRecord[]
  limit: { records: number; bytes: number }
}

function decodeRecords(bytes: Buffer, head: ChunkHead, { from, into, limit }: Wanted): void {
  const readSource = createSourceReader()
  const cursor = { at: 0 }
  let taken = 0
  for (let k = 0; k < head.count; k++) {
    const length = readVarint(bytes, cursor)
    const end = cursor.at + length
    cursor.at++
    const timeDelta = readVarint(bytes, cursor)
    const offset = head.first + readVarint(bytes, cursor)
    if (offset >= from) {
      if (into.length >= limit.records || (into.length > 0 && taken >= limit.bytes)) return
      const timeMs = head.hasOneTime ? head.timeMs : head.timeMs + timeDelta
      const record: LogRecord = { offset, key: readKey(bytes, cursor), value: readValue(bytes, cursor), timeMs }
      taken += record.value.length
      const source = readSource(bytes, cursor)
      if (source) record.source = source
      into.push(record)
    }
    cursor.at = end
  }
}

function readKey(bytes: Buffer, cursor: Cursor): string {
  const length = Math.max(0, readVarint(bytes, cursor))
  cursor.at += length
  return bytes.toString('utf8', cursor.at - length, cursor.at)
}

/** A view. */
function readValue(bytes: Buffer, cursor: Cursor): Uint8Array {
  const length = Math.max(0, readVarint(bytes, cursor))
  cursor.at += length
  return bytes.subarray(cursor.at - length, cursor.at)
}
