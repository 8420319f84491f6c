/**
 * Retained messages by topic, bounded by number and bytes. At the bound a topic that has none yet gets none. STATE topics are
 * always kept: only hosts may write them, one each, and nodes wait for them.
 */
import { type Levels, levelsOf, matches } from '@millrace/contract'

export interface Retained {
  cmd: 'publish'
  topic: string
  payload: Buffer
  qos: 0 | 1 | 2
  retain: true
}

export interface RetainedLimits {
  retainedMessages: number
  retainedBytes: number
}

export class RetainedMessages {
  readonly #limits: RetainedLimits
  readonly #dropped: () => void
  readonly #byTopic = new Map<string, { message: Retained; levels: Levels }>()
  #bytes = 0

  constructor(limits: RetainedLimits, dropped: () => void) {
    this.#limits = limits
    this.#dropped = dropped
  }

  get size(): number {
    return this.#byTopic.size
  }

  /** An empty payload removes [MQTT-3.3.1-10]. The payload is copied: it would keep the whole chunk that it was read in. False when there is no room. */
  store(topic: string, payload: Uint8Array, qos: 0 | 1 | 2): boolean {
    const old = this.#byTopic.get(topic)?.message.payload.length
    if (payload.length > 0 && !this.#hasRoom(topic, payload.length, old)) {
      this.#dropped()
      return false
    }
    this.#byTopic.delete(topic)
    this.#bytes += payload.length - (old ?? 0)
    if (payload.length === 0) return true
    const message: Retained = { cmd: 'publish', topic, payload: Buffer.from(payload), qos, retain: true }
    this.#byTopic.set(topic, { message, levels: levelsOf(topic) })
    return true
  }

  *matching(filters: string[]): Generator<Retained> {
    for (const filter of filters) {
      if (/[+#]/.test(filter)) yield* this.#wild(filter)
      else if (this.#byTopic.has(filter)) yield this.#byTopic.get(filter)!.message
    }
  }

  *#wild(filter: string): Generator<Retained> {
    const levels = levelsOf(filter)
    const prefix = filter.slice(0, filter.search(/[+#]/)).replace(/\/$/, '')
    for (const [topic, { message, levels: of }] of this.#byTopic) {
      if (topic.startsWith(prefix) && matches(levels, of)) yield message
    }
  }

  #hasRoom(topic: string, bytes: number, old: number | undefined): boolean {
    if (topic.startsWith('spBv1.0/STATE/')) return true
    const { retainedMessages, retainedBytes } = this.#limits
    return (old !== undefined || this.#byTopic.size < retainedMessages) && this.#bytes + bytes - (old ?? 0) <= retainedBytes
  }
}
