/**
 * Messages that one session is owed, oldest first, until the client acknowledges them; bounded by number and bytes. At the
 * bound the oldest goes.
 *
 * A message is known by the engine's counter; once sent, also by its packet identifier. After PUBREC the PUBREL takes its place.
 */
export interface Owed {
  cmd: 'publish' | 'pubrel'
  brokerId: string
  brokerCounter: number
  topic: string
  payload: Buffer
  qos: 0 | 1 | 2
  retain: boolean
  dup: boolean
  messageId?: number
}

export interface QueueLimits {
  offlineMessages: number
  offlineBytes: number
}

export class Queue {
  readonly #limits: QueueLimits
  readonly #dropped: () => void
  /** By counter, in order of arrival. */
  readonly #owed = new Map<number, Owed>()
  /** Packet identifier to counter. */
  readonly #sent = new Map<number, number>()
  #bytes = 0
  #lastId = Math.floor(Math.random() * 65_535)

  constructor(limits: QueueLimits, dropped: () => void) {
    this.#limits = limits
    this.#dropped = dropped
  }

  get size(): number {
    return this.#owed.size
  }

  /** The packet identifier after the one used last: far from all that are in use. */
  get nextId(): number {
    return (this.#lastId % 65_535) + 1
  }

  /** The message is kept as it is: give it a payload of its own. */
  add(message: Owed): void {
    this.#owed.set(message.brokerCounter, message)
    this.#bytes += message.payload.length
    while (this.#owed.size > this.#limits.offlineMessages || this.#bytes > this.#limits.offlineBytes) {
      this.#remove(this.#owed.values().next().value!)
      this.#dropped()
    }
  }

  /** The message is on its way under this packet identifier. */
  sent(counter: number, messageId: number): void {
    const message = this.#owed.get(counter)
    if (!message) return
    if (message.messageId !== undefined) this.#sent.delete(message.messageId)
    message.messageId = messageId
    this.#lastId = messageId
    this.#sent.set(messageId, counter)
  }

  /** PUBREC came: what is owed now is the PUBREL [MQTT-4.3.3-1]. */
  released(messageId: number): void {
    const message = this.#bySent(messageId)
    if (message?.qos !== 2) return
    this.#bytes -= message.payload.length
    Object.assign(message, { cmd: 'pubrel', payload: Buffer.alloc(0) })
  }

  /** PUBACK or PUBCOMP came. One that does not fit frees nothing. */
  done(messageId: number, acknowledgement?: string): Owed | undefined {
    const message = this.#bySent(messageId)
    if (!message || (acknowledgement !== undefined && acknowledgement !== dueOf(message))) return undefined
    this.#remove(message)
    return message
  }

  /** What was sent before goes again with DUP [MQTT-3.3.1-1]. */
  *again(): Generator<Owed> {
    for (const message of [...this.#owed.values()]) {
      if (!this.#owed.has(message.brokerCounter)) continue
      yield message.cmd === 'publish' && message.messageId !== undefined ? { ...message, dup: true } : message
    }
  }

  #bySent(messageId: number): Owed | undefined {
    const counter = this.#sent.get(messageId)
    return counter === undefined ? undefined : this.#owed.get(counter)
  }

  #remove(message: Owed): void {
    this.#owed.delete(message.brokerCounter)
    if (message.messageId !== undefined) this.#sent.delete(message.messageId)
    this.#bytes -= message.payload.length
  }
}

/** What the client has to send next. */
function dueOf({ qos, cmd }: Owed): string {
  if (qos < 2) return 'puback'
  return cmd === 'pubrel' ? 'pubcomp' : 'pubrec'
}
