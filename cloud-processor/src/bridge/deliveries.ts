/**
 * Names the messages of QoS 1 that one session is sent, so that `prepare` knows one that the broker sends again
 * (prepare/plain/redelivery.ts). The packet identifier alone does not name one: it is free again after its PUBACK [MQTT-2.3.1-4]. What this
 * bridge has not acknowledged is the same message under the same identifier with DUP [MQTT-4.4.0-1], and keeps its number. After a
 * restart nothing is known of what was acknowledged before; `isFirst` says that an identifier may be of that time.
 */
import { randomBytes } from 'node:crypto'
import type { Delivery } from '@millrace/contract'

const identifiers = 65_535
/** A broker that counts identifiers up skips some and starts over after 32,767 at the earliest; one that goes back by less uses them again. */
const backMax = 16_384

export class Deliveries {
  #run = randomBytes(4).readUInt32BE()
  #number = 0
  /** By packet identifier: what has no PUBACK yet, of this connection and of those before. */
  readonly #open = new Map<number, number>()
  readonly #numbers = new Set<number>()
  #oldest = 1
  #isOlder = false
  #isReusing = false
  /** Of this run: identifiers that came. */
  #came = new Uint8Array(identifiers + 1)
  /** The last one without DUP, in this connection. */
  #last: number | undefined

  /** Without its session the broker owes nothing of before, and every identifier is free. */
  connected(isSessionPresent: boolean): void {
    this.#last = undefined
    if (isSessionPresent) {
      this.#isOlder ||= this.#number === 0
      return
    }
    this.#run = randomBytes(4).readUInt32BE()
    this.#isOlder = false
    this.#open.clear()
    this.#numbers.clear()
    this.#came.fill(0)
  }

  received(packetId: number, isDup: boolean): Delivery {
    const number = (isDup ? this.#open.get(packetId) : undefined) ?? ++this.#number
    if (!isDup) this.#follow(packetId)
    this.#wait(packetId, number)
    const isFirst = this.#isOlder && this.#came[packetId] === 0
    this.#came[packetId] = 1
    return { packetId, run: this.#run, number, oldest: this.#oldest, isFirst, isReusing: this.#isReusing }
  }

  #follow(packetId: number): void {
    const step = this.#last === undefined ? 1 : (packetId - this.#last + identifiers) % identifiers
    this.#isReusing ||= step === 0 || step > identifiers - backMax
    this.#last = packetId
  }

  /** What the broker no longer sends again under an identifier, it has given up. */
  #wait(packetId: number, number: number): void {
    const former = this.#open.get(packetId)
    if (former !== undefined && former !== number) this.#numbers.delete(former)
    this.#open.set(packetId, number)
    this.#numbers.add(number)
    while (this.#oldest < number && !this.#numbers.has(this.#oldest)) this.#oldest++
  }

  /** Its PUBACK is sent. */
  acknowledged(packetId: number): void {
    const number = this.#open.get(packetId)
    if (number === undefined) return
    this.#open.delete(packetId)
    this.#numbers.delete(number)
  }
}
