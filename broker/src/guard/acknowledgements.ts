/**
 * Which packet identifiers went out to a client and wait for which acknowledgement, read off the bytes that leave, from the engine and from deliveries alike:
 *
 *     PUBLISH QoS 1 ─► PUBACK                          PUBLISH QoS 2 ─► PUBREC ─► PUBREL ─► PUBCOMP
 *
 * Another acknowledgement than the one that is due would free a message that the client has not taken [MQTT-4.3.2-1] [MQTT-4.3.3-1].
 * An identifier that is not known here is of an earlier connection, or of nothing; it frees nothing that it does not fit.
 */
import { type } from './packets.ts'

/** What is due; 0 is nothing. */
const due = { puback: 1, pubrec: 2, pubcomp: 3 } as const
const pageIds = 256

/** Where in an outgoing packet the next byte is. */
type Part = 'head' | 'length' | 'topic-length' | 'topic' | 'id' | 'rest'

export class Acknowledgements {
  /** By identifier; in pages, because most clients use few. */
  readonly #pages: (Uint8Array | undefined)[] = []
  #part: Part = 'head'
  #first = 0
  /** Bytes of the packet still to come, and of the part. */
  #left = 0
  #partLeft = 0
  #number = 0
  #shift = 0

  /** Bytes that leave, cut anywhere. */
  sent(piece: Buffer): void {
    for (let at = 0; at < piece.length; ) {
      if (this.#part === 'rest' || this.#part === 'topic') at = this.#skip(piece, at)
      else this.#take(piece[at++]!)
    }
  }

  /** Whether PUBACK, PUBREC or PUBCOMP is the one that is due, or nothing is known of the identifier. */
  takes(kind: number, id: number): boolean {
    const known = this.#due(id)
    if (known === 0) return true
    if (kind === type.pubrec) return known !== due.puback
    if (known !== (kind === type.puback ? due.puback : due.pubcomp)) return false
    this.#set(id, 0)
    return true
  }

  #skip(piece: Buffer, at: number): number {
    const count = Math.min(piece.length - at, this.#part === 'topic' ? this.#partLeft : this.#left)
    this.#left -= count
    this.#partLeft -= count
    if (this.#part === 'topic' && this.#partLeft === 0) this.#begin(this.#first & 6 ? 'id' : 'rest')
    if (this.#left === 0) this.#part = 'head'
    return at + count
  }

  #take(byte: number): void {
    if (this.#part === 'head') {
      this.#first = byte
      this.#left = 0
      this.#shift = 0
      this.#part = 'length'
    } else if (this.#part === 'length') this.#takeLength(byte)
    else this.#takeNumber(byte)
  }

  #takeLength(byte: number): void {
    this.#left |= (byte & 0x7f) << this.#shift
    this.#shift += 7
    if (byte >= 0x80) return
    const kind = this.#first >> 4
    if (this.#left === 0) this.#part = 'head'
    else this.#begin(kind === type.publish ? 'topic-length' : kind === type.pubrel ? 'id' : 'rest')
  }

  /** Two bytes, high one first. */
  #takeNumber(byte: number): void {
    this.#number = (this.#number << 8) | byte
    this.#left--
    if (--this.#partLeft > 0) return
    if (this.#part === 'id') this.#wait(this.#number)
    const isEmpty = this.#part === 'topic-length' && this.#number === 0
    if (this.#left === 0) this.#part = 'head'
    else if (this.#part === 'id' || isEmpty) this.#begin(isEmpty && this.#first & 6 ? 'id' : 'rest')
    else {
      this.#partLeft = this.#number
      this.#part = 'topic'
    }
  }

  #begin(part: Part): void {
    this.#part = part
    this.#partLeft = 2
    this.#number = 0
  }

  #wait(id: number): void {
    const qos = (this.#first >> 1) & 3
    this.#set(id, this.#first >> 4 === type.pubrel ? due.pubcomp : qos === 1 ? due.puback : due.pubrec)
  }

  #due(id: number): number {
    return this.#pages[id >> 8]?.[id & 0xff] ?? 0
  }

  #set(id: number, what: number): void {
    this.#pages[id >> 8] ??= new Uint8Array(pageIds)
    this.#pages[id >> 8]![id & 0xff] = what
  }
}
