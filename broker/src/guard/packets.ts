/**
 * Checks one control packet of a client against MQTT 3.1.1, byte by byte. First the fixed header, as soon as it is there:
 *
 *     type (bits 7-4) flags (3-0) | remaining length, 1 to 4 bytes of 7 bits, low first | body
 *
 * then, when the packet is whole, its body.
 */
import type { Refusal } from '../refusals.ts'
import { checkConnect } from './connect.ts'
import { checkFilter, checkTopic, type TopicLimits } from './text.ts'

export interface PacketLimits extends TopicLimits {
  packetBytes: number
  connectBytes: number
}

export const type = {
  connect: 1,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  unsubscribe: 10,
  pingreq: 12,
  disconnect: 14,
} as const

const serverOnly = new Set([2, 9, 11, 13])
/** Remaining length of the packets that have only one. */
const fixedLength: Record<number, number> = { 4: 2, 5: 2, 6: 2, 7: 2, 12: 0, 14: 0 }
/** PUBREL, SUBSCRIBE and UNSUBSCRIBE have the reserved flags 0010, the others 0000 (table 2.2). */
const requiredFlags: Record<number, number> = { 6: 2, 8: 2, 10: 2 }

/** Positions are passed as numbers: a packet costs no object. */
export class PacketChecks {
  readonly #limits: PacketLimits

  constructor(limits: PacketLimits) {
    this.#limits = limits
  }

  /** `first` is the first byte, `total` the length with header; `isGreeted` says that a CONNECT came before. */
  header(first: number, remaining: number, total: number, isGreeted: boolean): Refusal | undefined {
    const kind = first >> 4
    if (!isGreeted && kind !== type.connect) return 'first-not-connect'
    if (isGreeted && kind === type.connect) return 'second-connect'
    return checkKind(kind, first & 15, remaining) ?? this.#size(kind, total)
  }

  /** `bytes[start..end)` is a whole packet whose header was checked; its body starts at `body`. */
  packet(bytes: Buffer, start: number, body: number, end: number): Refusal | undefined {
    switch (bytes[start]! >> 4) {
      case type.publish:
        return this.#publish(bytes, body, end, (bytes[start]! >> 1) & 3)
      case type.connect:
        return checkConnect(bytes, body, end, this.#limits)
      case type.subscribe:
        return this.#filters(bytes, body, end, 1)
      case type.unsubscribe:
        return this.#filters(bytes, body, end, 0)
      case type.pingreq:
      case type.disconnect:
        return undefined
      default:
        return checkPacketId(bytes, body, end)
    }
  }

  #size(kind: number, total: number): Refusal | undefined {
    if (kind === type.connect) return total > this.#limits.connectBytes ? 'connect-too-large' : undefined
    return total > this.#limits.packetBytes ? 'packet-too-large' : undefined
  }

  /** topic text | packet id u16 where QoS > 0 | payload */
  #publish(bytes: Buffer, body: number, end: number, qos: number): Refusal | undefined {
    if (body + 2 > end) return 'length-overrun'
    const topicEnd = body + 2 + bytes.readUInt16BE(body)
    if (topicEnd > end) return 'length-overrun'
    return checkTopic(bytes, body + 2, topicEnd, this.#limits) ?? (qos > 0 ? checkPacketId(bytes, topicEnd, end) : undefined)
  }

  /** packet id u16 | one or more: filter text, then `tail` bytes of requested QoS */
  #filters(bytes: Buffer, body: number, end: number, tail: 0 | 1): Refusal | undefined {
    const refusal = checkPacketId(bytes, body, end)
    if (refusal) return refusal
    let at = body + 2
    if (at === end) return 'filters-missing' // [MQTT-3.8.3-3] [MQTT-3.10.3-2]
    while (at < end) {
      if (at + 2 > end) return 'length-overrun'
      const filterEnd = at + 2 + bytes.readUInt16BE(at)
      if (filterEnd + tail > end) return 'length-overrun'
      const bad = checkFilter(bytes, at + 2, filterEnd, this.#limits)
      if (bad) return bad
      if (tail === 1 && bytes[filterEnd]! > 2) return 'requested-qos' // [MQTT-3.8.3-4], reserved bits included
      at = filterEnd + tail
    }
    return undefined
  }
}

function checkKind(kind: number, flags: number, remaining: number): Refusal | undefined {
  if (kind === 0 || kind === 15) return 'type-reserved'
  if (serverOnly.has(kind)) return 'type-server-only'
  if (kind === type.publish) return checkPublishFlags(flags)
  if (flags !== (requiredFlags[kind] ?? 0)) return 'reserved-flags' // [MQTT-2.2.2-2]
  return remaining !== (fixedLength[kind] ?? remaining) ? 'packet-length' : undefined
}

function checkPublishFlags(flags: number): Refusal | undefined {
  const qos = (flags >> 1) & 3
  if (qos === 3) return 'qos-3' // [MQTT-3.3.1-4]
  return flags & 8 && qos === 0 ? 'dup-with-qos-0' : undefined // [MQTT-3.3.1-2]
}

function checkPacketId(bytes: Buffer, at: number, end: number): Refusal | undefined {
  if (at + 2 > end) return 'length-overrun'
  return bytes[at] === 0 && bytes[at + 1] === 0 ? 'packet-id-0' : undefined // [MQTT-2.3.1-1]
}
