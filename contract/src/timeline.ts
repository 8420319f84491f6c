/**
 * Topics of the log, and how a record lies in one. A record's value is JSON (UTF-8) with `f` (format version) and `k` (kind);
 * `raw` messages are binary, see `encodeRaw`. Every record that a stage made carries its source position and index (log record
 * headers). What records hold is in records/, as it is published.
 */
import type { AlarmTopicRecord } from './records/alarms.ts'
import type { Delivery, RawMessage, RawRecord } from './records/raw.ts'
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
 * nothing about its node. Our agents tell the death of a device when its line stays closed, and why (codes/absences.ts); those that
 * do not say why mean `agentDevice`.
 */
export const deathReasons = { node: 'node death', device: 'device death', agentDevice: 'unplugged' } as const

/**
 * Layout of a raw value: one byte, its low half the kind (1 message, 2 JSON, 3 message with its delivery), its high half the flags of
 * the message's PUBLISH packet (DUP 8, QoS 2 and 4, RETAIN 1); then for a message: u16 topic length, topic, f64 receivedMs, of kind
 * 3 the delivery (u32 run, u48 number, u32 number - oldest, u16 packet identifier, u8 isFirst 1 and isReusing 2), payload.
 */
export function encodeRaw(record: RawRecord): Uint8Array {
  if (record.k !== 'message') return Buffer.concat([Buffer.of(2), Buffer.from(JSON.stringify(record))])
  const { topic, payload, delivery } = record
  const topicLength = Buffer.byteLength(topic)
  const payloadAt = 11 + topicLength + (delivery ? deliveryBytes : 0)
  const out = Buffer.allocUnsafe(payloadAt + payload.length)
  out[0] = (delivery ? 3 : 1) | (flagsOf(record) << 4)
  out.writeUInt16BE(topicLength, 1)
  out.write(topic, 3)
  out.writeDoubleBE(record.receivedMs, 3 + topicLength)
  if (delivery) writeDelivery(out, 11 + topicLength, delivery)
  out.set(payload, payloadAt)
  return out
}

const deliveryBytes = 17

function writeDelivery(out: Buffer, at: number, { run, number, oldest, packetId, isFirst, isReusing }: Delivery): void {
  out.writeUInt32BE(run, at)
  out.writeUIntBE(number, at + 4, 6)
  out.writeUInt32BE(number - oldest, at + 10)
  out.writeUInt16BE(packetId, at + 14)
  out[at + 16] = (isFirst ? 1 : 0) | (isReusing ? 2 : 0)
}

function readDelivery(bytes: Buffer, at: number): Delivery {
  const number = bytes.readUIntBE(at + 4, 6)
  return {
    packetId: bytes.readUInt16BE(at + 14),
    run: bytes.readUInt32BE(at),
    number,
    oldest: number - bytes.readUInt32BE(at + 10),
    isFirst: (bytes[at + 16]! & 1) !== 0,
    isReusing: (bytes[at + 16]! & 2) !== 0,
  }
}

export function decodeRaw(value: Uint8Array): RawRecord {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  const kind = bytes[0]! & 15
  if (kind !== 1 && kind !== 3) return JSON.parse(bytes.toString('utf8', 1))
  const end = 3 + bytes.readUInt16BE(1)
  const hasDelivery = kind === 3
  const message: RawMessage = {
    k: 'message',
    topic: bytes.toString('utf8', 3, end),
    receivedMs: bytes.readDoubleBE(end),
    payload: bytes.subarray(end + 8 + (hasDelivery ? deliveryBytes : 0)),
  }
  const flags = bytes[0]! >> 4
  if (flags === 0) return message
  const packet = { qos: (flags >> 1) & 3, retain: (flags & 1) !== 0, dup: (flags & 8) !== 0 }
  return { ...message, ...packet, ...(hasDelivery ? { delivery: readDelivery(bytes, end + 8) } : {}) }
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
