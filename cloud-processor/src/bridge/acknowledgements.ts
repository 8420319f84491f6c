/**
 * The messages of QoS 1 that one connection has received and not acknowledged. Each is acknowledged when its append is durable, and
 * all in the order in which they came [MQTT-4.6.0-2]: one that is durable early waits for those before it.
 */
interface Pending {
  packetId: number
  bytes: number
  isDurable: boolean
}

export interface AcknowledgementEvents {
  acknowledge(packetId: number): void
  /** A message was dropped: the broker sends it again when the session is resumed. */
  dropped(): void
}

/** So many that are acknowledged are kept before the list is cut. */
const keptMax = 4096

export class Acknowledgements {
  /** Of the payloads in flight. */
  bytes = 0
  readonly #events: AcknowledgementEvents
  #pending: Pending[] = []
  /** Index of the oldest in `#pending`; those before it are acknowledged. */
  #first = 0
  #isEnded = false
  #idle = () => {}

  constructor(events: AcknowledgementEvents) {
    this.#events = events
  }

  /** Returns what is called once when it is known whether the message is durable. */
  add(packetId: number, bytes: number): (isDurable: boolean) => void {
    const one: Pending = { packetId, bytes, isDurable: false }
    this.#pending.push(one)
    this.bytes += bytes
    return (isDurable) => {
      if (this.#isEnded) return
      if (!isDurable) return this.#events.dropped()
      one.isDurable = true
      if (this.#pending[this.#first] === one) this.#acknowledge()
    }
  }

  #acknowledge(): void {
    for (; this.#pending[this.#first]?.isDurable; this.#first++) {
      const { packetId, bytes } = this.#pending[this.#first]!
      this.bytes -= bytes
      this.#events.acknowledge(packetId)
    }
    if (this.#first < this.#pending.length && this.#first < keptMax) return
    this.#pending = this.#pending.slice(this.#first)
    this.#first = 0
    if (this.#pending.length === 0) this.#idle()
  }

  /** Resolves when nothing is in flight. */
  idle(): Promise<void> {
    if (this.#pending.length === 0 || this.#isEnded) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle = resolve
    })
  }

  /** The connection has ended: the broker sends again what is still in flight. */
  end(): void {
    this.#isEnded = true
    this.#pending = []
    this.#first = 0
    this.bytes = 0
    this.#idle()
  }
}
