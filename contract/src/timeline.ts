/**
 * Topics of the log, and how a record lies in one. A record's value is JSON (UTF-8) with `f` (format version) and `k` (kind);
 * `raw` messages are binary, see `encodeRaw`. Every record that a stage made carries its source position and index (log record
 * headers). What records hold is in records/, as it is published.
 */
import type { AlarmTopicRecord } from './records/alarms.ts'
import type { RawMessage, RawRecord } from './records/raw.ts'
import type { RejectedRecord } from './records/rejected.ts'
import type { TimelineRecord } from './records/timeline.ts'

export const topics = {
  raw: 'millrace.raw',
  timeline: 'millrace.timeline',
  rejected: 'millrace.rejected',
  alarms: 'millrace.alarms',
} as const
export type Topic = (typeof topics)[keyof typeof topics]

/** Where a record came from: the position of the input record, and its index among that record's outputs. */
export interface Source {
  log: string
  partition: number
  offset: number
  index: number
}

/**
 * Reasons of deaths; alarms say them to people. The death of a node is told for each of its devices, that of a device says
 * nothing about its node. Our agents tell the death of a device when its line stays closed.
 */
export const deathReasons = { node: 'node death', device: 'device death', agentDevice: 'unplugged' } as const

/**
 * Layout of a raw value: one byte, its low half the kind (1 message, 2 JSON), its high half the flags of the message's PUBLISH
 * packet (DUP 8, QoS 2 and 4, RETAIN 1); then for a message: u16 topic length, topic, f64 receivedMs, payload.
 */
export function encodeRaw(record: RawRecord): Uint8Array {
  if (record.k !== 'message') return Buffer.concat([Buffer.of(2), Buffer.from(JSON.stringify(record))])
  const topicLength = Buffer.byteLength(record.topic)
  const out = Buffer.allocUnsafe(11 + topicLength + record.payload.length)
  out[0] = 1 | (flagsOf(record) << 4)
  out.writeUInt16BE(topicLength, 1)
  out.write(record.topic, 3)
  out.writeDoubleBE(record.receivedMs, 3 + topicLength)
  out.set(record.payload, 11 + topicLength)
  return out
}

export function decodeRaw(value: Uint8Array): RawRecord {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  if ((bytes[0]! & 15) !== 1) return JSON.parse(bytes.toString('utf8', 1))
  const end = 3 + bytes.readUInt16BE(1)
  const message: RawMessage = {
    k: 'message',
    topic: bytes.toString('utf8', 3, end),
    receivedMs: bytes.readDoubleBE(end),
    payload: bytes.subarray(end + 8),
  }
  const flags = bytes[0]! >> 4
  if (flags === 0) return message
  return { ...message, qos: (flags >> 1) & 3, retain: (flags & 1) !== 0, dup: (flags & 8) !== 0 }
}

function flagsOf({ qos = 0, retain, dup }: RawMessage): number {
  return (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)
}

const decoder = new TextDecoder()

export function encodeJson(record: TimelineRecord | RejectedRecord | AlarmTopicRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record))
}

export function decodeJson<T extends TimelineRecord | RejectedRecord | AlarmTopicRecord>(value: Uint8Array): T {
  return JSON.parse(decoder.decode(value)) as T
}
