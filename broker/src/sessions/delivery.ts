/**
 * Hands one session what it is owed, oldest first, when its client is here: at most `windowMessages` and `windowBytes` at a time without an
 * acknowledgement, and only as fast as its socket takes them. What is behind lies in the file and is read in pages, so a session costs
 * little memory however much it is owed.
 *
 *     file ──page──► ready ──PUBLISH──► sent ──PUBACK──► freed
 *                                           └─PUBREC, PUBREL─PUBCOMP─► freed   (QoS 2)
 *
 * A client that comes back gets what was sent and not acknowledged again, with its packet identifier and DUP [MQTT-4.4.0-1]; after a restart
 * of the broker everything has DUP and new identifiers, which begin anywhere: few of them mean another message than before. Identifiers are 1 to 32767; aedes uses those above for retained messages.
 */
import { randomInt } from 'node:crypto'
import { putVarint } from '@millrace/platform/varint'
import type { Connection } from '../guard/connection.ts'
import type { OwedRow } from './store/protocol.ts'
import { messageBytes, type Store } from './store/store.ts'

export interface Window {
  windowMessages: number
  windowBytes: number
}

interface Sent {
  id: number
  messageId: number
  bytes: number
  qos: 1 | 2
  /** PUBREC came. */
  isReleased: boolean
}

export const deliveryIdMax = 32_767
/** Ready in memory beyond what is sent. */
const readyBytesMax = 262_144
const pageRows = 256

export class Delivery {
  readonly session: number
  readonly #store: Store
  readonly #window: Window
  readonly #delivered: () => void
  /** Ids up to this one were owed when the broker started. */
  readonly #oldId: number
  #messages: number
  #bytes: number
  #connection: Connection | undefined
  #ready: OwedRow[] = []
  #readyBytes = 0
  /** Id of the newest row that was ready in this connection. */
  #cursor = 0
  /** There is more in the file behind the cursor. */
  #hasMore: boolean
  #isReading = false
  #isBlocked = false
  /** By packet identifier. */
  readonly #sent = new Map<number, Sent>()
  #sentBytes = 0
  /** By id: of earlier connections, not yet sent again. */
  readonly #again = new Map<number, Sent>()
  #lastMessageId = randomInt(deliveryIdMax)

  constructor(
    store: Store,
    found: { session: number; messages: number; bytes: number; lastId: number },
    window: Window,
    delivered: () => void,
  ) {
    this.session = found.session
    this.#store = store
    this.#window = window
    this.#delivered = delivered
    this.#oldId = found.lastId
    this.#messages = found.messages
    this.#bytes = found.bytes
    this.#hasMore = found.messages > 0
  }

  /** Messages and bytes owed. */
  get messages(): number {
    return this.#messages
  }

  get bytes(): number {
    return this.#bytes
  }

  connect(connection: Connection): void {
    this.#disconnect()
    this.#connection = connection
    connection.once('close', () => {
      if (this.#connection === connection) this.#disconnect()
    })
    this.#pump()
  }

  /** A message that became durable. */
  add(row: OwedRow): void {
    this.#messages++
    this.#bytes += messageBytes(row.topic, row.payload)
    const isNext = this.#connection && !this.#hasMore && !this.#isReading
    // A copy: it would keep the whole chunk that it was read in.
    if (isNext && this.#readyBytes < readyBytesMax) this.#makeReady({ ...row, payload: Buffer.from(row.payload) })
    else this.#hasMore = true
    this.#pump()
  }

  /** PUBACK or PUBCOMP. One that does not fit frees nothing. */
  done(messageId: number, acknowledgement: string): void {
    const sent = this.#sent.get(messageId)
    if (!sent || acknowledgement !== (sent.qos === 2 ? 'pubcomp' : 'puback') || sent.isReleased !== (sent.qos === 2)) return
    this.#sent.delete(messageId)
    this.#sentBytes -= sent.bytes
    this.#messages--
    this.#bytes -= sent.bytes
    this.#store.free(sent.id, sent.bytes)
    this.#pump()
  }

  /** PUBREC; aedes answers with the PUBREL. */
  released(messageId: number): void {
    const sent = this.#sent.get(messageId)
    if (sent?.qos === 2) sent.isReleased = true
  }

  #disconnect(): void {
    for (const sent of this.#sent.values()) this.#again.set(sent.id, sent)
    this.#sent.clear()
    this.#sentBytes = 0
    this.#ready = []
    this.#readyBytes = 0
    this.#cursor = 0
    this.#hasMore = this.#messages > 0
    this.#isBlocked = false
    this.#connection = undefined
  }

  #makeReady(row: OwedRow): void {
    this.#ready.push(row)
    this.#readyBytes += messageBytes(row.topic, row.payload)
    this.#cursor = row.id
  }

  #pump(): void {
    while (this.#connection && !this.#isBlocked && this.#sent.size < this.#window.windowMessages) {
      if (this.#sentBytes >= this.#window.windowBytes) return
      const row = this.#ready.shift()
      if (!row) return this.#read()
      this.#readyBytes -= messageBytes(row.topic, row.payload)
      this.#send(row, this.#connection)
    }
  }

  /** The next page, once. */
  #read(): void {
    const connection = this.#connection
    if (!this.#hasMore || this.#isReading || !connection) return
    this.#isReading = true
    this.#hasMore = false
    const asked = { session: this.session, after: this.#cursor, rows: pageRows, bytes: readyBytesMax }
    this.#store.page(asked).then(
      ({ rows, end }) => {
        this.#isReading = false
        if (this.#connection === connection) {
          for (const row of rows) this.#makeReady(row)
          if (end !== undefined) {
            this.#cursor = end
            this.#hasMore = true
          }
        }
        this.#pump()
      },
      () => {
        this.#isReading = false
        this.#hasMore = true
        connection.destroy()
      },
    )
  }

  #send({ id, topic, payload, qos }: OwedRow, connection: Connection): void {
    const before = this.#again.get(id)
    this.#again.delete(id)
    const sent = before ?? { id, messageId: this.#nextMessageId(), bytes: messageBytes(topic, payload), qos, isReleased: false }
    this.#sent.set(sent.messageId, sent)
    this.#sentBytes += sent.bytes
    const isDup = before !== undefined || id <= this.#oldId
    const packet = sent.isReleased
      ? Buffer.from([0x62, 2, sent.messageId >> 8, sent.messageId & 0xff])
      : encodePublish(topic, payload, sent.messageId, (isDup ? 8 : 0) | (qos << 1))
    this.#delivered()
    if (connection.write(packet)) return
    this.#isBlocked = true
    connection.once('drain', () => {
      if (this.#connection !== connection) return
      this.#isBlocked = false
      this.#pump()
    })
  }

  #nextMessageId(): number {
    const used = new Set([...this.#again.values()].map(({ messageId }) => messageId))
    do this.#lastMessageId = (this.#lastMessageId % deliveryIdMax) + 1
    while (this.#sent.has(this.#lastMessageId) || used.has(this.#lastMessageId))
    return this.#lastMessageId
  }
}

/** MQTT 3.1.1 section 3.3, in one piece. */
function encodePublish(topic: string, payload: Uint8Array, messageId: number, flags: number): Buffer {
  const name = Buffer.from(topic)
  const head = Buffer.allocUnsafe(7)
  head[0] = 0x30 | flags
  const at = putVarint(head, 1, 2 + name.length + 2 + payload.length)
  const end = head.writeUInt16BE(name.length, at)
  return Buffer.concat([head.subarray(0, end), name, Buffer.from([messageId >> 8, messageId & 0xff]), payload])
}
