/** Writes record batches: layout.ts. */
import { constants, zstdCompressSync } from 'node:zlib'
import type { KafkaRecord } from '../client.ts'
import { createHeaderWriter, type HeaderWriter } from './headers.ts'
import { headBytes, type ProducerId, zstd } from './layout.ts'
import { varintBytes, writeVarint } from './varint.ts'

/** A smaller batch is hardly worth the call. */
const packBytesMin = 4096
const packLevel = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
/** Of the first buffer; it grows. */
const payloadBytesMax = 1 << 16
/** What a record takes beside key and value, at most. */
const overheadBytes = 350
/** Of the length before a record. */
const lengthBytesMax = 5

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
  for (const { key, value } of records) size += key.length * 3 + (value?.length ?? 0) + overheadBytes
  const into: Payload = { bytes: Buffer.allocUnsafe(Math.min(size, payloadBytesMax)), at: 0, key: '', keyLength: 0 }
  for (let k = 0; k < records.length; k++) putRecord(into, k, records[k]!, headers)
  return { count: records.length, timeMs, payload: into.bytes.subarray(0, into.at) }
}

interface Payload {
  bytes: Buffer
  at: number
  /** Of the record before: often the same. */
  key: string
  keyLength: number
}

function putRecord(into: Payload, index: number, record: KafkaRecord, headers: HeaderWriter): void {
  const { key, value } = record
  if (key !== into.key) {
    into.key = key
    into.keyLength = Buffer.byteLength(key)
  }
  const { keyLength } = into
  const valueLength = value?.length ?? -1
  const fields = varintBytes(index) + varintBytes(keyLength) + keyLength + varintBytes(valueLength) + Math.max(0, valueLength)
  const body = 2 + fields + headers.size(record)
  if (into.at + body + lengthBytesMax > into.bytes.length) grow(into, body + lengthBytesMax)
  const { bytes } = into
  let at = writeVarint(bytes, into.at, body)
  bytes[at] = 0
  bytes[at + 1] = 0
  at = writeVarint(bytes, at + 2, index)
  at = writeVarint(bytes, at, keyLength)
  at += bytes.write(key, at)
  at = writeVarint(bytes, at, valueLength)
  if (value) {
    bytes.set(value, at)
    at += valueLength
  }
  into.at = headers.write(bytes, at)
}

function grow(payload: Payload, more: number): void {
  const larger = Buffer.allocUnsafeSlow(Math.max(payload.bytes.length * 2, payload.at + more))
  payload.bytes.copy(larger, 0, 0, payload.at)
  payload.bytes = larger
}

export interface SentBy {
  producer: ProducerId
  sequence: number
  compression: 'zstd' | 'none'
  crc32c(bytes: Buffer): number
}

/** The whole batch, to be sent by this producer with this sequence. */
export function encodeBatch({ count, timeMs, payload }: Encoded, { producer, sequence, compression, crc32c }: SentBy): Buffer {
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
