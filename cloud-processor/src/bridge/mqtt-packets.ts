/**
 * The part of MQTT 3.1.1 that the bridge's connections for data use. A packet is
 *
 *   u8      type << 4 | flags
 *   1 to 4  remaining length: 7 bits a byte, low ones first, bit 7 set on all but the last [MQTT-2.2.3]
 *   ...     the rest; for a PUBLISH: u16 topic length, topic (UTF-8), with QoS 1 u16 packet id, payload to the end
 *
 * Incoming packets are read in place, out of chunks cut anywhere: only what lies across a cut is put together in a buffer of
 * its own. A PUBLISH larger than allowed is passed over by its length, and its neighbours go on.
 */
import { putVarint } from '@millrace/platform/varint'

export interface IncomingPackets {
  /** Return code 0: accepted [MQTT-3.2.2.3]. */
  connack(returnCode: number, isSessionPresent: boolean): void
  /** 0x80 for each filter refused [MQTT-3.9.3]. */
  suback(returnCodes: Uint8Array): void
  /**
   * `payload` is a view that holds during the call; `flags` is the low half of the first byte: DUP, QoS, RETAIN [MQTT-3.3.1].
   * A PUBLISH of QoS 1 has a packet id, by which it is to be acknowledged.
   */
  publish(topic: string, payload: Uint8Array, flags: number, packetId: number | undefined): void
  /** Of a PUBLISH that was sent with QoS 1. */
  puback(packetId: number): void
  /** A PUBLISH of so many bytes was passed over. */
  tooLarge(bytes: number): void
}

const type = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  subscribe: 8,
  suback: 9,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
} as const

/** Feeds chunks to `incoming`. @throws Error when the bytes are not MQTT, or not what a broker sends to this client; the connection is then to be closed. */
export function createPacketReader(incoming: IncomingPackets, packetBytesMax: number): (chunk: Buffer) => void {
  const reader = new PacketReader(incoming, packetBytesMax)
  return (chunk) => reader.read(chunk)
}

class PacketReader {
  readonly #incoming: IncomingPackets
  readonly #packetBytesMax: number
  /** The start of a head that a cut went through; never more than four bytes. */
  #head: Buffer | undefined = undefined
  /** A packet that a cut went through, and how much of it is there. */
  #packet: Buffer | undefined = undefined
  #filled = 0
  /** Bytes of a large packet still to be passed over. */
  #passing = 0

  constructor(incoming: IncomingPackets, packetBytesMax: number) {
    this.#incoming = incoming
    this.#packetBytesMax = packetBytesMax
  }

  read(chunk: Buffer): void {
    let bytes = chunk
    if (this.#head) {
      bytes = Buffer.concat([this.#head, chunk])
      this.#head = undefined
    }
    for (let at = this.#resume(bytes); at < bytes.length; ) at = this.#next(bytes, at)
  }

  /** Goes on with what the last chunk left off. Returns where the next packet begins. */
  #resume(bytes: Buffer): number {
    if (this.#packet) {
      const count = bytes.copy(this.#packet, this.#filled)
      this.#filled += count
      if (this.#filled < this.#packet.length) return bytes.length
      const whole = this.#packet
      this.#packet = undefined
      this.#take(whole, 0, endOfHead(whole, 0), whole.length)
      return count
    }
    const passed = Math.min(this.#passing, bytes.length)
    this.#passing -= passed
    return passed
  }

  /** The packet at `at`, or what there is of it. Returns where the next one begins. */
  #next(bytes: Buffer, at: number): number {
    const bodyAt = endOfHead(bytes, at)
    if (bodyAt === 0) {
      this.#head = Buffer.from(bytes.subarray(at))
      return bytes.length
    }
    const end = bodyAt + remainingLength(bytes, at)
    if (end - at > this.#packetBytesMax) {
      if (bytes[at]! >> 4 !== type.publish) throw new Error(`a packet of ${end - at} bytes`)
      this.#incoming.tooLarge(end - at)
      this.#passing = Math.max(0, end - bytes.length)
    } else if (end > bytes.length) {
      this.#packet = Buffer.allocUnsafe(end - at)
      this.#filled = bytes.copy(this.#packet, 0, at)
    } else this.#take(bytes, at, bodyAt, end)
    return end
  }

  #take(bytes: Buffer, at: number, bodyAt: number, end: number): void {
    switch (bytes[at]! >> 4) {
      case type.publish:
        return this.#takePublish(bytes, at, bodyAt, end)
      case type.connack:
        if (end - bodyAt !== 2) throw new Error('a CONNACK of another length than 2')
        return this.#incoming.connack(bytes[bodyAt + 1]!, (bytes[bodyAt]! & 1) === 1)
      case type.suback:
        if (end - bodyAt < 3) throw new Error('a SUBACK without a return code')
        return this.#incoming.suback(bytes.subarray(bodyAt + 2, end))
      case type.puback:
        if (end - bodyAt !== 2) throw new Error('a PUBACK of another length than 2')
        return this.#incoming.puback(bytes.readUInt16BE(bodyAt))
      case type.pingresp:
        return
      default:
        throw new Error(`a packet of type ${bytes[at]! >> 4}`)
    }
  }

  /**
   * A broker must not send with a higher QoS than was subscribed with [MQTT-3.8.4-6]; aedes does so with retained messages
   * (STATE is one), which is accepted up to QoS 1.
   */
  #takePublish(bytes: Buffer, at: number, bodyAt: number, end: number): void {
    const qos = (bytes[at]! >> 1) & 3
    if (qos > 1) throw new Error(`a PUBLISH with QoS ${qos}`)
    const topicAt = bodyAt + 2
    const topicEnd = topicAt > end ? topicAt : topicAt + bytes.readUInt16BE(bodyAt)
    const payloadAt = topicEnd + 2 * qos
    if (payloadAt > end) throw new Error('a PUBLISH whose topic runs past its end')
    const packetId = qos === 1 ? bytes.readUInt16BE(topicEnd) : undefined
    this.#incoming.publish(bytes.toString('utf8', topicAt, topicEnd), bytes.subarray(payloadAt, end), bytes[at]! & 15, packetId)
  }
}

/** Where the body of the packet at `at` begins; 0 when its head is not all there. */
function endOfHead(bytes: Buffer, at: number): number {
  for (let k = at + 1; k < bytes.length && k <= at + 4; k++) if (bytes[k]! < 0x80) return k + 1
  if (bytes.length > at + 4) throw new Error('a remaining length of more than four bytes')
  return 0
}

function remainingLength(bytes: Buffer, at: number): number {
  let length = 0
  for (let k = at + 1, shift = 0; ; k++, shift += 7) {
    length |= (bytes[k]! & 0x7f) << shift
    if (bytes[k]! < 0x80) return length
  }
}

// ---- outgoing ------------------------------------------------------------------------------------------------------

export interface Greeting {
  clientId: string
  username?: string
  password?: string
  keepaliveSeconds: number
  /** The broker keeps the session, and what is sent to it, while this client is away. */
  isPersistent?: boolean
}

/** With QoS 1, retained. */
export interface Will {
  topic: string
  payload: Uint8Array
}

/** CONNECT [MQTT-3.1]. */
export function connectPacket({ clientId, username, password, keepaliveSeconds, isPersistent }: Greeting, will?: Will): Buffer {
  const session = (isPersistent ? 0 : 0x02) | (will ? 0x2c : 0)
  const flags = session | (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40)
  const protocol = [text('MQTT'), Buffer.of(4, flags, keepaliveSeconds >> 8, keepaliveSeconds & 0xff)]
  const last = will ? [text(will.topic), lengthOf(will.payload), will.payload] : []
  const account = [username, password].filter((field) => field !== undefined).map(text)
  return pack(type.connect << 4, [...protocol, text(clientId), ...last, ...account])
}

/** SUBSCRIBE [MQTT-3.8.1-1] [MQTT-2.3.1-1]. */
export function subscribePacket(packetId: number, filters: string[], qos: 0 | 1): Buffer {
  const wanted = filters.flatMap((filter) => [text(filter), Buffer.of(qos)])
  return pack((type.subscribe << 4) | 0x02, [Buffer.of(packetId >> 8, packetId & 0xff), ...wanted])
}

/** PUBLISH with QoS 0, not retained. */
export function publishPacket(topic: string, payload: Uint8Array): Buffer {
  return pack(type.publish << 4, [text(topic), payload])
}

/** PUBLISH with QoS 1, retained. */
export function retainedPacket(topic: string, payload: Uint8Array, packetId: number): Buffer {
  return pack((type.publish << 4) | 0x03, [text(topic), Buffer.of(packetId >> 8, packetId & 0xff), payload])
}

export function pubackPacket(packetId: number): Buffer {
  return Buffer.of(type.puback << 4, 2, packetId >> 8, packetId & 0xff)
}

export const pingPacket = Buffer.of(type.pingreq << 4, 0)
export const disconnectPacket = Buffer.of(type.disconnect << 4, 0)

function lengthOf({ length }: Uint8Array): Buffer {
  return Buffer.of(length >> 8, length & 0xff)
}

function text(value: string): Buffer {
  const length = Buffer.byteLength(value)
  const bytes = Buffer.allocUnsafe(2 + length)
  bytes.writeUInt16BE(length)
  bytes.write(value, 2)
  return bytes
}

function pack(first: number, parts: Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = Buffer.allocUnsafe(5)
  head[0] = first
  return Buffer.concat([head.subarray(0, putVarint(head, 1, length)), ...parts])
}
