/**
 * The wills of connected clients, in the file. After a start those of clients that have not returned are published, once: the connections
 * that they belonged to ended with the broker [MQTT-3.1.2-8].
 */
import type { PublishPacket } from 'aedes'
import type { WillRow } from './store/protocol.ts'
import type { Store } from './store/store.ts'

export class Wills {
  readonly #store: Pick<Store, 'change'>
  /** From before the start, by client id: of clients that have not returned. */
  readonly #unclaimed: Map<string, WillRow>
  /** Connections with a will, by client id: for a moment two, when one takes over from the other. */
  readonly #connections = new Map<string, number>()

  constructor(store: Pick<Store, 'change'>, found: WillRow[]) {
    this.#store = store
    this.#unclaimed = new Map(found.map((will) => [will.client, will]))
  }

  /** A client connects with a will. */
  async put(client: string, user: string, { topic, payload, qos, retain }: PublishPacket): Promise<void> {
    this.#connections.set(client, (this.#connections.get(client) ?? 0) + 1)
    const bytes = Uint8Array.from(payload as Buffer)
    await this.#store.change([{ k: 'will', client, user, topic, payload: bytes, qos, retain }])
  }

  /** A connection with a will ended: it is published, or not wanted any more. */
  async ended(client: string): Promise<void> {
    const left = (this.#connections.get(client) ?? 1) - 1
    if (left > 0) this.#connections.set(client, left)
    else {
      this.#connections.delete(client)
      await this.#store.change([{ k: 'no-will', client }])
    }
  }

  /** A client connects. */
  async returned(client: string): Promise<void> {
    if (this.#unclaimed.delete(client)) await this.#store.change([{ k: 'no-will', client }])
  }

  /** Hands out those of clients that have not returned; each is forgotten when `publish` has resolved. */
  async publishUnclaimed(publish: (will: WillRow) => Promise<void>): Promise<void> {
    for (const will of [...this.#unclaimed.values()]) {
      if (!this.#unclaimed.delete(will.client)) continue
      await publish(will)
      if (!this.#connections.has(will.client)) await this.#store.change([{ k: 'no-will', client: will.client }])
    }
  }
}
