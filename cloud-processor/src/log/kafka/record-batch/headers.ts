/**
 * Headers of a record: CloudEvents 1.0, Kafka binding, binary mode, and where the record came from.
 *
 *     ce_specversion        1.0
 *     ce_type               millrace.<topic>.v1
 *     ce_source             /millrace/<source log>/<topic>  (a record without a source: /millrace/<writer>/<topic>)
 *     content-type          application/json
 *     ce_millracelog        <source log>            \
 *     ce_millracepartition  <source partition>      | the source: the record is new when (offset, index) is above the mark of
 *     ce_id                 <partition>/<offset>/<index>    (a record without a source: <number>)
 *     ce_millraceoffset     <source offset>         | its (input partition, source log, source partition)
 *     ce_millraceindex      <index among its outputs> /
 *
 * All but the last three are the same from record to record, and are copied as one piece. The records of `raw` have none
 * unless they have a source, and those of Millrace's own topics (snapshots, readers, heartbeats) never.
 */
import { randomBytes } from 'node:crypto'
import { type Source, topics } from '@millrace/contract'
import type { Cursor } from '@millrace/platform/varint'
import type { KafkaRecord } from '../client.ts'
import { readVarint, varintBytes, writeVarint } from './varint.ts'

const names = { log: 'ce_millracelog', partition: 'ce_millracepartition', offset: 'ce_millraceoffset', index: 'ce_millraceindex' }
/** One for each process: numbers of records without a source are unique under it. */
const writer = randomBytes(8).toString('hex')
let sent = 0

/** `millrace.timeline` of any prefix. Undefined: records of this topic have no headers. */
function eventType(topic: string): string | undefined {
  const name = topic.slice(topic.lastIndexOf('.') + 1)
  return Object.hasOwn(topics, name) ? `millrace.${name}.v1` : undefined
}

/** What the bridge brings in has no source yet, and is too much to carry headers that say nothing. */
const isBare = (type: string, source: Source | undefined) => source === undefined && type === 'millrace.raw.v1'

function fixed(type: string, source: Source | undefined): [string, string][] {
  const event: [string, string][] = [
    ['ce_specversion', '1.0'],
    ['ce_type', type],
    // With its topic: what prepare and rules made have positions in two topics of one log.
    ['ce_source', `/millrace/${source?.log ?? writer}/${type.split('.')[1]}`],
    ['content-type', type === 'millrace.raw.v1' ? 'application/octet-stream' : 'application/json'],
  ]
  return source ? [...event, [names.log, source.log], [names.partition, `${source.partition}`]] : event
}

function moving(source: Source | undefined): [string, string][] {
  if (!source) return [['ce_id', `${++sent}`]]
  const { partition, offset, index } = source
  return [
    ['ce_id', `${partition}/${offset}/${index}`],
    [names.offset, `${offset}`],
    [names.index, `${index}`],
  ]
}

/** Writes the headers of one topic's records, with their number before them. */
export interface HeaderWriter {
  /** Bytes that `write` will take for the same record; call it right before. */
  size(record: KafkaRecord): number
  write(into: Buffer, at: number): number
}

const none = Buffer.of(0)

export function createHeaderWriter(topic: string): HeaderWriter {
  const type = eventType(topic)
  if (type === undefined) {
    return { size: () => 1, write: (into, at) => into.writeUInt8(0, at) }
  }
  let last: Source | undefined
  let same: Buffer | undefined
  let rest = ''
  return {
    size({ source }) {
      if (isBare(type, source)) {
        same = none
        last = undefined
        rest = ''
        return 1
      }
      if (!same || same === none || last?.log !== source?.log || last?.partition !== source?.partition) {
        same = encode(fixed(type, source), source ? 9 : 5)
        last = source
      }
      // All of it is ASCII, and every length is below 64: one byte.
      rest = ''
      for (const [name, value] of moving(source)) rest += short(name.length) + name + short(value.length) + value
      return same.length + rest.length
    },
    write(into, at) {
      same!.copy(into, at)
      return at + same!.length + into.write(rest, at + same!.length, 'latin1')
    },
  }
}

const short = (length: number) => String.fromCharCode(length * 2)

function encode(headers: [string, string][], count: number): Buffer {
  const parts = headers.flat().map((text) => Buffer.from(text))
  const buffer = Buffer.alloc(varintBytes(count) + parts.reduce((sum, part) => sum + varintBytes(part.length) + part.length, 0))
  let at = writeVarint(buffer, 0, count)
  for (const part of parts) {
    at = writeVarint(buffer, at, part.length)
    at += part.copy(buffer, at)
  }
  return buffer
}

/** Reads the sources of neighbouring records. */
export function createSourceReader(): (bytes: Buffer, cursor: Cursor) => Source | undefined {
  let same: Buffer | undefined
  let log = ''
  let partition = 0
  return (bytes, cursor) => {
    const from = cursor.at
    const isSame =
      same !== undefined &&
      from + same.length <= bytes.length &&
      bytes.compare(same, 0, same.length, from, from + same.length) === 0
    let left = isSame ? 3 : readVarint(bytes, cursor)
    if (isSame) cursor.at += same!.length
    let offset = -1
    let index = 0
    let found = isSame
    while (left-- > 0) {
      const nameLength = readVarint(bytes, cursor)
      const nameAt = cursor.at
      cursor.at += nameLength
      const length = readVarint(bytes, cursor)
      const at = cursor.at
      cursor.at += Math.max(0, length)
      // `ce_millrace...`: the 4th byte tells these from the rest.
      if (nameLength < 14 || bytes[nameAt + 3] !== 0x6d) continue
      const name = bytes.toString('latin1', nameAt, nameAt + nameLength)
      if (name === names.offset) offset = digits(bytes, at, length)
      else if (name === names.index) index = digits(bytes, at, length)
      else if (name === names.log) log = bytes.toString('utf8', at, at + length)
      else if (name === names.partition) {
        partition = digits(bytes, at, length)
        found = true
        if (left === 3) same = Buffer.from(bytes.subarray(from, cursor.at))
      }
    }
    return found && offset >= 0 ? { log, partition, offset, index } : undefined
  }
}

function digits(bytes: Buffer, at: number, length: number): number {
  let value = 0
  for (let k = at; k < at + length; k++) value = value * 10 + (bytes[k]! - 48)
  return value
}
