import { crc32c, createRecordsBatch, Reader, readRecordsBatches } from '@platformatic/kafka'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LogRecord } from '../../log.ts'
import type { KafkaRecord } from '../client.ts'
import { chunkOf } from './chunk.ts'
import { decodeBatches } from './decode.ts'
import { encodeBatch, encodeRecords } from './encode.ts'
import { readVarint, varintBytes, writeVarint } from './varint.ts'

const producer = { id: 77n, epoch: 3 }
const everything = { records: 1e9, bytes: 1e9 }
const seed = Date.now() % 1e9
const topic = 'millrace.timeline'

const source = fc.record({
  log: fc.string({ minLength: 1, maxLength: 32 }),
  partition: fc.nat(1000),
  offset: fc.maxSafeNat(),
  index: fc.nat(100_000),
})
const records = fc.array(
  fc.record({
    key: fc.string({ unit: 'grapheme', maxLength: 20 }),
    value: fc.uint8Array({ maxLength: 400 }),
    source: fc.option(source, { nil: undefined }),
  }),
  { minLength: 1, maxLength: 60 },
)
const encode = (all: KafkaRecord[], compression: 'zstd' | 'none', name = topic) =>
  encodeBatch(encodeRecords(name, all, 1_700_000_000_123.4), { producer, sequence: 5, compression, crc32c })
const decodeAll = (chunks: { decode(from: number, into: LogRecord[], limit: typeof everything): void }[]) => {
  const found: LogRecord[] = []
  for (const chunk of chunks) chunk.decode(0, found, everything)
  return found
}
const wanted = (all: KafkaRecord[]) =>
  all.map(({ key, value, source }, offset) => ({
    offset,
    key,
    value: Buffer.from(value!),
    timeMs: 1_700_000_000_123,
    ...(source && { source }),
  }))
const plain = (found: LogRecord[]) => found.map((record) => ({ ...record, value: Buffer.from(record.value) }))

test('records come back as they were, compressed or not, and as a chunk that was never sent', () => {
  const property = fc.property(records, fc.constantFrom('zstd' as const, 'none' as const), (all, compression) => {
    const batch = encode(all, compression)
    expect(plain(decodeAll(decodeBatches(batch, 1e9)))).toEqual(wanted(all))
    const chunk = chunkOf(encodeRecords(topic, all, 1_700_000_000_123), 0, 1)
    expect(plain(decodeAll([chunk]))).toEqual(wanted(all))
  })
  fc.assert(property, { seed, numRuns: 150 })
})

test('another implementation of the format reads the same from our batches', () => {
  const property = fc.property(records, (all) => {
    const [batch] = readRecordsBatches(Reader.from(encode(all, 'zstd')))
    expect(batch).toMatchObject({ producerId: 77n, producerEpoch: 3, firstSequence: 5, lastOffsetDelta: all.length - 1 })
    expect(batch!.records.map(({ key, value }) => [`${key}`, Buffer.from(value!)])).toEqual(
      all.map(({ key, value }) => [key, Buffer.from(value)]),
    )
    const headers = Object.fromEntries(batch!.records[0]!.headers.map(([name, value]) => [`${name}`, `${value}`]))
    expect(headers).toMatchObject({ ce_specversion: '1.0', ce_type: 'millrace.timeline.v1', 'content-type': 'application/json' })
    expect(headers.ce_id).toBeTruthy()
    expect(headers.ce_millraceoffset).toBe(all[0]!.source && `${all[0]!.source.offset}`)
    const bytes = encode(all, 'none')
    expect(bytes.readUInt32BE(17)).toBe(crc32c(bytes.subarray(21)))
  })
  fc.assert(property, { seed, numRuns: 100 })
})

test('we read the batches of another implementation, with headers in any order and times of their own', () => {
  const headers = { other: 'x', ce_millraceindex: '4', ce_millraceoffset: '99', ce_millracepartition: '2', ce_millracelog: 'abc' }
  const messages = [0, 7].map((delta) => ({
    key: Buffer.from('k'),
    value: Buffer.from(`${delta}`),
    headers: new Map(Object.entries(headers).map(([name, value]) => [Buffer.from(name), Buffer.from(value)])),
    topic,
    partition: 0,
    timestamp: BigInt(1_700_000_000_000 + delta),
  }))
  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    const bytes = createRecordsBatch(messages as never, { compression } as never).buffer
    expect(plain(decodeAll(decodeBatches(bytes, 1e9)))).toEqual(
      [0, 7].map((delta, offset) => ({
        offset,
        key: 'k',
        value: Buffer.from(`${delta}`),
        timeMs: 1_700_000_000_000 + delta,
        source: { log: 'abc', partition: 2, offset: 99, index: 4 },
      })),
    )
  }
})

test('a batch that is cut off is left for the next fetch, and so is what memory has no room for', () => {
  const one = encode([{ key: 'k', value: Buffer.alloc(1000) }], 'none')
  const three = Buffer.concat([one, one, one])
  for (const length of [0, 11, 60, one.length - 1, one.length, one.length * 2 + 30])
    expect(decodeBatches(three.subarray(0, length), 1e9)).toHaveLength(Math.floor(length / one.length))
  expect(decodeBatches(three, 1500)).toHaveLength(2)
  expect(decodeBatches(three, 1)).toHaveLength(1)
})

test('what is before a batch that cannot be read is given first', () => {
  const one = encode([{ key: 'k', value: Buffer.from('x') }], 'none')
  const bad = Buffer.from(one).fill(9, 16, 17)
  expect(decodeBatches(Buffer.concat([one, one, bad, one]), 1e9)).toHaveLength(2)
  expect(() => decodeBatches(Buffer.concat([bad, one]), 1e9)).toThrow('record batch of format 9')
})

test('a chunk gives what is asked for: from an offset on, so many records, about so many bytes', () => {
  const all = Array.from({ length: 20 }, (_, k) => ({ key: 'k', value: Buffer.from(`${k}`.padEnd(100)) }))
  const [chunk] = decodeBatches(encode(all, 'zstd'), 1e9)
  const offsets = (from: number, limit: { records: number; bytes: number }) => {
    const found: LogRecord[] = []
    chunk!.decode(from, found, limit)
    return found.map(({ offset }) => offset)
  }
  expect(offsets(17, everything)).toEqual([17, 18, 19])
  expect(offsets(3, { records: 2, bytes: 1e9 })).toEqual([3, 4])
  expect(offsets(3, { records: 10, bytes: 250 })).toEqual([3, 4, 5])
  expect(offsets(3, { records: 10, bytes: 1 })).toEqual([3])
  expect(offsets(20, everything)).toEqual([])
})

test('raw records have no headers until they have a source', () => {
  const [batch] = readRecordsBatches(Reader.from(encode([{ key: 'k', value: Buffer.from('x') }], 'none', 'millrace.raw')))
  expect(batch!.records[0]!.headers).toEqual([])
  const [snapshot] = readRecordsBatches(Reader.from(encode([{ key: 'k', value: null }], 'none', 'millrace.snapshots')))
  expect(snapshot!.records[0]).toMatchObject({ headers: [], value: null })
})

test('integers of variable length come back, in the bytes that were counted for them', () => {
  const buffer = Buffer.alloc(10)
  const property = fc.property(fc.oneof(fc.constant(-1), fc.nat(2 ** 31 - 1)), (value) => {
    const end = writeVarint(buffer, 0, value)
    expect(end).toBe(varintBytes(value))
    const cursor = { at: 0 }
    expect(readVarint(buffer, cursor)).toBe(value)
    expect(cursor.at).toBe(end)
  })
  fc.assert(property, { seed, numRuns: 500 })
})
