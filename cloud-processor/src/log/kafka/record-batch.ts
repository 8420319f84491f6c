/**
 * Kafka's record batch, format 2 (big-endian), written and read in place. A client library makes objects for every record
 * and header; this makes none until a reader asks: docs/decisions/0008.
 *
 *     i64  base offset            61 bytes of head, then the records, which may be compressed:
 *     i32  length of what follows     varint length
 *     i32  partition leader epoch     i8     attributes, 0
 *     i8   magic, 2                   varint time delta
 *     u32  CRC-32C of what follows    varint offset delta
 *     i16  attributes                 varint key length (-1: null), key
 *     i32  last offset delta          varint value length (-1: null), value
 *     i64  first time                 varint number of headers, each: varint length, name, varint length, value
 *     i64  newest time
 *     i64  producer id            attributes: bits 0-2 compression (4: zstd), 3: the broker's time, 5: control batch
 *     i16  producer epoch
 *     i32  first sequence
 *     i32  number of records
 *
 * Source: Kafka documentation, "Message Format".
 */
import { constants, gunzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { LogRecord } from '../log.ts'
import type { Chunk, KafkaRecord } from './client.ts'
import { createHeaderWriter, createSourceReader } from './headers.ts'
import { readVarint, varintBytes, writeVarint } from './varint.ts'

const headBytes = 61
/** A smaller batch is hardly worth the call. */
const packBytesMin = 4096
const packLevel = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const zstd = 4
const gzip = 1

export interface Producer {
  id: bigint
  epoch: number
}

export interface Encoded {
  count: number
  timeMs: number
  /** The records, not compressed. */
  payload: Buffer
}

/** What is the same however often the batch is sent. */
export function encodeRecords(topic: string, records: KafkaRecord[], timeMs: number): Encoded {
  const headers = createHeaderWriter(topic)
  let size = 0
  for (const { key, value } of records) size += key.length * 3 + (value?.length ?? 0) + 30 + 320
  let payload: Buffer = Buffer.allocUnsafe(Math.min(size, 1 << 16))
  let at = 0
  let key = ''
  let keyLength = 0
  for (let k = 0; k < records.length; k++) {
    const record = records[k]!
    if (record.key !== key) {
      key = record.key
      keyLength = Buffer.byteLength(key)
    }
    const valueLength = record.value?.length ?? -1
    const body =
      2 +
      varintBytes(k) +
      varintBytes(keyLength) +
      keyLength +
      varintBytes(valueLength) +
      Math.max(0, valueLength) +
      headers.size(record)
    if (at + body + 5 > payload.length) payload = grow(payload, at, body + 5)
    at = writeVarint(payload, at, body)
    payload[at] = 0
    payload[at + 1] = 0
    at = writeVarint(payload, at + 2, k)
    at = writeVarint(payload, at, keyLength)
    at += payload.write(key, at)
    at = writeVarint(payload, at, valueLength)
    if (record.value) {
      payload.set(record.value, at)
      at += valueLength
    }
    at = headers.write(payload, at)
  }
  return { count: records.length, timeMs, payload: payload.subarray(0, at) }
}

function grow(payload: Buffer, used: number, more: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(payload.length * 2, used + more))
  payload.copy(larger, 0, 0, used)
  return larger
}

/** The whole batch, to be sent by this producer with this sequence. */
export function encodeBatch(
  { count, timeMs, payload }: Encoded,
  compression: 'zstd' | 'none',
  producer: Producer,
  sequence: number,
  crc32c: (bytes: Buffer) => number,
): Buffer {
  const isPacked = compression === 'zstd' && payload.length >= packBytesMin
  const records = isPacked ? zstdCompressSync(payload, packLevel) : payload
  const batch = Buffer.allocUnsafe(headBytes + records.length)
  const time = BigInt(Math.floor(timeMs))
  batch.writeBigInt64BE(0n, 0)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(-1, 12)
  batch[16] = 2
  batch.writeInt16BE(isPacked ? zstd : 0, 21)
  batch.writeInt32BE(count - 1, 23)
  batch.writeBigInt64BE(time, 27)
  batch.writeBigInt64BE(time, 35)
  batch.writeBigInt64BE(producer.id, 43)
  batch.writeInt16BE(producer.epoch, 51)
  batch.writeInt32BE(sequence, 53)
  batch.writeInt32BE(count, 57)
  batch.set(records, headBytes)
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

/** The same records for a reader, once their offset is known. */
export function chunkOf({ count, timeMs, payload }: Encoded, first: number, wireBytes: number): Chunk {
  const bytes = Buffer.from(payload)
  return toChunk(bytes, { first, next: first + count, count, timeMs, hasOneTime: true, wireBytes })
}

/**
 * Batches from a fetch that end behind `has`, until they take `bytesMax` in memory: zstd makes a page into a kilobyte. The last
 * one may be cut off.
 * @throws RangeError for a batch that this does not know.
 */
export function decodeBatches(bytes: Buffer, bytesMax: number, has = 0): Chunk[] {
  const chunks: Chunk[] = []
  let unpacked = 0
  for (let at = 0; at + headBytes <= bytes.length && unpacked < bytesMax; ) {
    const wireBytes = 12 + bytes.readInt32BE(at + 8)
    if (at + wireBytes > bytes.length) break
    const batch = bytes.subarray(at, at + wireBytes)
    at += wireBytes
    if (nextOf(batch) <= has) continue
    const chunk = decodeBatch(batch)
    chunks.push(chunk)
    unpacked += chunk.bytes
  }
  return chunks
}

/** Offset after the last record. */
const nextOf = (batch: Buffer) => Number(batch.readBigInt64BE(0)) + batch.readInt32BE(23) + 1

function decodeBatch(batch: Buffer): Chunk {
  if (batch[16] !== 2) throw new RangeError(`record batch of format ${batch[16]}`)
  const first = Number(batch.readBigInt64BE(0))
  const attributes = batch.readInt16BE(21)
  const isControl = (attributes & 0x20) !== 0
  const hasOneTime = (attributes & 8) !== 0
  const about = {
    first,
    next: nextOf(batch),
    count: isControl ? 0 : batch.readInt32BE(57),
    timeMs: Number(batch.readBigInt64BE(hasOneTime ? 35 : 27)),
    hasOneTime,
    wireBytes: batch.length,
  }
  return toChunk(unpack(batch.subarray(headBytes), attributes & 7), about)
}

/** A copy of its own in every case: a view would keep the whole answer in memory. */
function unpack(records: Buffer, compression: number): Buffer {
  if (compression === zstd) return zstdDecompressSync(records)
  if (compression === gzip) return gunzipSync(records)
  if (compression === 0) return Buffer.from(records)
  throw new RangeError(`record batch with compression ${compression}; set compression.type=producer for the topic`)
}

interface About {
  first: number
  next: number
  count: number
  timeMs: number
  hasOneTime: boolean
  wireBytes: number
}

function toChunk(bytes: Buffer, { first, next, count, timeMs, hasOneTime, wireBytes }: About): Chunk {
  return {
    first,
    next,
    count,
    bytes: bytes.length,
    wireBytes,
    decode(from, into, limit) {
      const readSource = createSourceReader()
      const cursor = { at: 0 }
      let taken = 0
      for (let k = 0; k < count; k++) {
        const length = readVarint(bytes, cursor)
        const end = cursor.at + length
        cursor.at++
        const timeDelta = readVarint(bytes, cursor)
        const offset = first + readVarint(bytes, cursor)
        if (offset >= from) {
          if (into.length >= limit.records || (into.length > 0 && taken >= limit.bytes)) return
          const keyLength = Math.max(0, readVarint(bytes, cursor))
          const key = bytes.toString('utf8', cursor.at, cursor.at + keyLength)
          cursor.at += keyLength
          const valueLength = Math.max(0, readVarint(bytes, cursor))
          const value = bytes.subarray(cursor.at, cursor.at + valueLength)
          cursor.at += valueLength
          taken += valueLength
          const record: LogRecord = { offset, key, value, timeMs: hasOneTime ? timeMs : timeMs + timeDelta }
          const source = readSource(bytes, cursor)
          if (source) record.source = source
          into.push(record)
        }
        cursor.at = end
      }
    },
  }
}
