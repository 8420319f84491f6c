/**
 * Sessions that outlive the broker: what a client asked for and every message of QoS 1 and 2 that it is owed is in a file before the
 * publisher has its PUBACK (see store/). Messages reach such a client through its `Delivery` alone, connected or not.
 *
 *     PUBLISH ─ access ─ keep: durable for each session that wants it ─► PUBACK ─ aedes: everybody else
 *                              └► delivery of each session, in the order of the file
 *
 * QoS 0 does not come here, unless it is retained. Retained messages are in memory and in the file, wills of connected clients too (wills.ts).
 * QoS 2 identifiers received stay in memory.
 */
import { Readable } from 'node:stream'
import type { AedesPublishPacket, Client, PublishPacket, Subscription } from 'aedes'
import { Connection } from '../guard/connection.ts'
import { Delivery, deliveryIdMax, type Window } from './delivery.ts'
import { type SessionParts, Sessions } from './sessions.ts'
import type { LoadedSession } from './store/protocol.ts'
import { messageBytes, type Store } from './store/store.ts'
import { Wills } from './wills.ts'

export interface DurableParts extends SessionParts {
  store: Store
  window: Window
  /** A message was handed to a client. */
  delivered(): void
}

export class DurableSessions extends Sessions {
  readonly #store: Store
  readonly #parts: DurableParts
  /** By client id: of every session that is in the file. */
  readonly #deliveries = new Map<string, Delivery>()
  #lastNumber: number
  readonly wills: Wills

  constructor(parts: DurableParts) {
    super(parts)
    this.#parts = parts
    this.#store = parts.store
    const { sessions, retained, wills } = parts.store.loaded
    this.#lastNumber = Math.max(0, ...sessions.map(({ session }) => session))
    for (const found of sessions) this.#restore(found)
    for (const { topic, payload, qos } of retained) this.retained.store(topic, payload, qos)
    this.wills = new Wills(parts.store, wills)
  }

  override stats(): { sessions: number; owed: number; retained: number } {
    return { ...super.stats(), owed: this.#store.stats().messages }
  }

  /** The session that is owed most. */
  largest(): { client: string; messages: number; bytes: number } | undefined {
    const sessions = [...this.#deliveries].map(([client, { messages, bytes }]) => ({ client, messages, bytes }))
    return sessions.sort((a, b) => b.bytes - a.bytes)[0]
  }

  /**
   * Undefined when no session wants the message and it is not retained; else resolves when it is durable for each that does, and as
   * retained. @throws MillraceError BROKER_STORE_WRITE
   */
  keep(client: Client | null, packet: PublishPacket & { messageId?: number }): Promise<void> | undefined {
    if (packet.topic.startsWith('$') || (client && packet.qos === 2 && this.isReceived(client, packet.messageId)))
      return undefined
    const wanted = [...this.tree.match(packet.topic)].filter(([id, qos]) => qos > 0 && this.#deliveries.has(id))
    const retained = packet.retain ? this.#retain(packet) : undefined
    if (wanted.length === 0) return retained
    const kept = this.#keep(client, packet, wanted)
    return retained ? Promise.all([kept, retained]).then(() => {}) : kept
  }

  /** Of QoS 1 and 2 it was kept before the PUBACK. */
  override async storeRetained(packet: AedesPublishPacket): Promise<void> {
    if (packet.qos === 0) this.#retain(packet).catch(() => {})
  }

  async #retain({ topic, payload, qos }: Pick<PublishPacket, 'topic' | 'payload' | 'qos'>): Promise<void> {
    const bytes = Uint8Array.from(payload as Buffer)
    if (!this.retained.store(topic, bytes, qos)) return
    await this.#store.change([bytes.length === 0 ? { k: 'unretain', topic } : { k: 'retain', topic, payload: bytes, qos }])
  }

  override putWill(client: Client, will: PublishPacket): Promise<void> {
    return this.wills.put(client.id, this.parts.userOf(client) ?? '', will)
  }

  override delWill(client: { id: string; conn?: unknown }): Promise<void> {
    return client.conn === undefined ? this.wills.ended(client.id) : this.wills.returned(client.id)
  }

  async #keep(client: Client | null, packet: PublishPacket, wanted: [clientId: string, granted: number][]): Promise<void> {
    const { topic } = packet
    const payload = packet.payload as Buffer
    const connection = client?.conn instanceof Connection ? client.conn : undefined
    const bytes = messageBytes(topic, payload)
    const targets = wanted.map(([id, granted]) => {
      const delivery = this.#deliveries.get(id)!
      return { id, delivery, session: delivery.session, qos: Math.min(granted, packet.qos) as 1 | 2 }
    })
    connection?.addInFlight(bytes)
    try {
      const ids = await this.#store.keep(topic, payload, targets)
      // The rows of a session that was forgotten before this are gone with it.
      for (const [index, { id, delivery, qos }] of targets.entries())
        if (this.#deliveries.get(id) === delivery) delivery.add({ id: ids[index]!, topic, payload, qos })
    } finally {
      connection?.removeInFlight(bytes)
    }
  }

  /** The message reaches this client through its `Delivery`. */
  brings(client: Client, packet: { topic: string; qos: number; retain: boolean }): boolean {
    if (client.clean || packet.qos === 0 || packet.retain || !this.#deliveries.has(client.id)) return false
    return (this.tree.match(packet.topic).get(client.id) ?? 0) > 0
  }

  override async addSubscriptions(client: Client, subscriptions: Subscription[]): Promise<void> {
    await super.addSubscriptions(client, subscriptions)
    const session = this.sessions.get(client.id)
    if (!session) return
    const isNew = !this.#deliveries.has(client.id)
    const delivery = this.#deliveries.get(client.id) ?? this.#begin(client)
    const changes = [...session.filters].map(([filter, qos]) => ({
      k: 'subscribe' as const,
      session: delivery.session,
      filter,
      qos,
    }))
    const made = { k: 'session' as const, session: delivery.session, client: client.id, user: session.user }
    await this.#store.change(isNew ? [made, ...changes] : changes)
    if (isNew) this.#connect(client, delivery)
  }

  override async removeSubscriptions(client: Client, filters: string[]): Promise<void> {
    await super.removeSubscriptions(client, filters)
    const session = this.#deliveries.get(client.id)?.session
    if (session !== undefined) await this.#store.change(filters.map((filter) => ({ k: 'unsubscribe' as const, session, filter })))
  }

  override async outgoingEnqueue(): Promise<void> {}

  override async outgoingEnqueueCombi(): Promise<void> {}

  override async outgoingUpdate(client: Client, packet: { messageId?: number; cmd: string }): Promise<void> {
    if (packet.cmd === 'pubrel') this.#deliveries.get(client.id)?.released(packet.messageId!)
  }

  override async outgoingClearMessageId(client: Client, packet: { messageId?: number; cmd: string }): Promise<undefined> {
    const { messageId, cmd } = packet
    if (messageId !== undefined) this.#deliveries.get(client.id)?.done(messageId, cmd)
  }

  /** Asked when the client is connected. */
  override outgoingStream(client: Client): Readable {
    const delivery = this.#deliveries.get(client.id)
    if (delivery && !client.clean) this.#connect(client, delivery)
    return Readable.from([])
  }

  protected override forget(clientId: string): void {
    super.forget(clientId)
    const delivery = this.#deliveries.get(clientId)
    if (!delivery) return
    this.#deliveries.delete(clientId)
    const { session, messages, bytes } = delivery
    this.#store.forget(session, messages, bytes).catch(() => {})
  }

  /** Nobody loses what was acknowledged to a publisher because others make sessions. @throws Error when all are owed something. */
  protected override makeRoom(): void {
    if (this.sessions.size < this.parts.limits.sessions) return
    const clientId = this.nextToForget()
    if (clientId === undefined) throw new Error('sessions-full')
    this.forget(clientId)
  }

  protected override mayForget(clientId: string): boolean {
    return super.mayForget(clientId) && (this.#deliveries.get(clientId)?.messages ?? 0) === 0
  }

  #restore(found: LoadedSession): void {
    const { client, user, filters } = found
    this.sessions.set(client, this.sessionOf(user, filters))
    for (const [filter, qos] of filters) if (qos > 0) this.tree.add(filter, client, qos)
    this.#deliveries.set(client, new Delivery(this.#store, found, this.#parts.window, this.#parts.delivered))
  }

  #begin(client: Client): Delivery {
    const found = { session: ++this.#lastNumber, messages: 0, bytes: 0, lastId: 0 }
    const delivery = new Delivery(this.#store, found, this.#parts.window, this.#parts.delivered)
    this.#deliveries.set(client.id, delivery)
    return delivery
  }

  #connect(client: Client, delivery: Delivery): void {
    reserveIds(client)
    if (client.conn instanceof Connection && !client.conn.destroyed) delivery.connect(client.conn)
  }
}

/** aedes numbers retained messages itself: beside the deliveries' numbers. */
function reserveIds(client: Client & { _nextId?: number }): void {
  let next = deliveryIdMax + 1
  Object.defineProperty(client, '_nextId', {
    configurable: true,
    get: () => next,
    set(value: number) {
      next = value > deliveryIdMax ? value : deliveryIdMax + 1
    },
  })
}
