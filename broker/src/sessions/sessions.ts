/**
 * What the broker remembers for clients that are away: subscriptions, messages owed, QoS 2 identifiers received, and the
 * retained messages. In memory and bounded in each direction; durable.ts keeps subscriptions and messages owed in a file instead.
 *
 * This is the persistence that aedes asks for (see its `persistence` option); the names of the methods are aedes's. A session
 * belongs to the user who made it.
 */
import { Readable } from 'node:stream'
import type { AedesPublishPacket, Client, PublishPacket, Subscription } from 'aedes'
import type { Drop } from '../counts.ts'
import { FilterTree } from './filter-tree.ts'
import { type Owed, Queue, type QueueLimits } from './queue.ts'
import { type RetainedLimits, RetainedMessages } from './retained.ts'

export interface SessionLimits extends QueueLimits, RetainedLimits {
  sessions: number
  inflight: number
}

export interface SessionParts {
  limits: SessionLimits
  dropped(reason: Drop, messages?: number): void
  userOf(client: Client): string | undefined
  /** The client was granted this filter; only such are kept. */
  holds(client: Client, filter: string): boolean
}

export interface Session {
  user: string
  filters: Map<string, 0 | 1 | 2>
  queue: Queue
}

type Sent = { messageId?: number }

export class Sessions {
  protected readonly parts: SessionParts
  protected readonly retained: RetainedMessages
  /** By client id; the one that connected longest ago first. */
  protected readonly sessions = new Map<string, Session>()
  protected readonly tree = new FilterTree()
  /** QoS 2 packet identifiers received and not released, by client id. */
  readonly #incoming = new Map<string, Set<number>>()
  protected isConnected: (clientId: string) => boolean = () => false

  constructor(parts: SessionParts) {
    this.parts = parts
    this.retained = new RetainedMessages(parts.limits, () => parts.dropped('retained-full'))
  }

  ownerOf(clientId: string): string | undefined {
    return this.sessions.get(clientId)?.user
  }

  stats(): { sessions: number; owed: number; retained: number } {
    let owed = 0
    for (const { queue } of this.sessions.values()) owed += queue.size
    return { sessions: this.sessions.size, owed, retained: this.retained.size }
  }

  async setup(broker: { clients: Record<string, unknown> }): Promise<void> {
    this.isConnected = (clientId) => broker.clients[clientId] !== undefined
  }

  async destroy(): Promise<void> {}

  /** Filters that their users may not read any longer go, and sessions of users who are gone. */
  prune(mayRead: (user: string, filter: string) => boolean | undefined): void {
    for (const [clientId, { user, filters }] of [...this.sessions]) {
      const forbidden = [...filters.keys()].filter((filter) => !mayRead(user, filter))
      if (filters.size > 0 && forbidden.length === filters.size) this.forget(clientId)
      else for (const filter of forbidden) void this.removeSubscriptions({ id: clientId } as Client, [filter])
    }
  }

  // Retained messages.

  async storeRetained({ topic, payload, qos }: AedesPublishPacket): Promise<void> {
    this.retained.store(topic, payload as Buffer, qos)
  }

  createRetainedStreamCombi(filters: string[]): Readable {
    return Readable.from(this.retained.matching(filters))
  }

  // Subscriptions.

  async addSubscriptions(client: Client, subscriptions: Subscription[]): Promise<void> {
    const granted = subscriptions.filter(({ topic }) => this.parts.holds(client, topic))
    if (granted.length === 0) return
    const session = this.sessions.get(client.id) ?? this.begin(client)
    for (const { topic, qos } of granted) {
      session.filters.set(topic, qos)
      if (qos > 0) this.tree.add(topic, client.id, qos)
      else this.tree.remove(topic, client.id)
    }
  }

  async removeSubscriptions(client: Client, filters: string[]): Promise<void> {
    const session = this.sessions.get(client.id)
    for (const filter of filters) {
      if (session?.filters.delete(filter)) this.tree.remove(filter, client.id)
    }
  }

  /** Asked at a CONNECT that goes on with its session. */
  async subscriptionsByClient(client: Client): Promise<{ topic: string; qos: 0 | 1 | 2 }[]> {
    const session = this.sessions.get(client.id)
    if (!session) return []
    this.sessions.delete(client.id)
    this.sessions.set(client.id, session)
    return [...session.filters].map(([topic, qos]) => ({ topic, qos }))
  }

  /** Asked at a CONNECT with a clean session: everything of the old one goes [MQTT-3.1.2-6]. */
  async cleanSubscriptions(client: Client): Promise<void> {
    this.forget(client.id)
  }

  async subscriptionsByTopic(topic: string): Promise<{ clientId: string; topic: string; qos: number }[]> {
    return [...this.tree.match(topic)].map(([clientId, qos]) => ({ clientId, topic, qos }))
  }

  // Messages owed.

  async outgoingEnqueue({ clientId }: { clientId: string }, packet: AedesPublishPacket): Promise<void> {
    this.#owe(clientId, packet, packet.qos)
  }

  async outgoingEnqueueCombi(subscribers: { clientId: string; qos: number }[], packet: AedesPublishPacket): Promise<void> {
    for (const { clientId, qos } of subscribers) this.#owe(clientId, packet, Math.min(qos, packet.qos) as 1 | 2)
  }

  async outgoingUpdate(client: Client, packet: Sent & { cmd: string; brokerCounter: number }): Promise<void> {
    const queue = this.sessions.get(client.id)?.queue
    if (packet.cmd === 'pubrel') queue?.released(packet.messageId!)
    else queue?.sent(packet.brokerCounter, packet.messageId!)
  }

  async outgoingClearMessageId(client: Client, { messageId, cmd }: Sent & { cmd: string }): Promise<Owed | undefined> {
    return messageId === undefined ? undefined : this.sessions.get(client.id)?.queue.done(messageId, cmd)
  }

  outgoingStream(client: Client & { _nextId?: number }): Readable {
    const queue = this.sessions.get(client.id)?.queue
    if (!queue) return Readable.from([])
    // What is resent keeps its identifier [MQTT-4.4.0-1]; aedes starts anywhere and could give one of them out again.
    client._nextId = queue.nextId
    return Readable.from(queue.again())
  }

  // QoS 2 received. Only the identifier is needed to know a repeat [MQTT-4.3.3-2].

  async incomingStorePacket(client: Client, { messageId }: Sent): Promise<void> {
    if (!client.clean && !this.sessions.has(client.id)) this.begin(client)
    const ids = this.#incoming.get(client.id) ?? new Set()
    this.#incoming.set(client.id, ids)
    if (ids.size >= this.parts.limits.inflight) throw new Error('limits.inflight reached')
    ids.add(messageId!)
  }

  async incomingGetPacket(client: Client, { messageId }: Sent): Promise<Sent> {
    if (!this.#incoming.get(client.id)?.has(messageId!)) throw new Error('no such packet')
    return { messageId }
  }

  async incomingDelPacket(client: Client, { messageId }: Sent): Promise<void> {
    const ids = this.#incoming.get(client.id)
    if (!ids?.delete(messageId!)) throw new Error('no such packet')
    if (ids.size === 0) this.#incoming.delete(client.id)
  }

  async cleanIncoming(client: Client): Promise<void> {
    this.#incoming.delete(client.id)
  }

  // Wills are kept with their connections: with one broker in memory there is nobody else's will to find.

  async putWill(_client: Client, _will: PublishPacket): Promise<void> {}

  async delWill(_client: { id: string }): Promise<void> {}

  streamWill(): Readable {
    return Readable.from([])
  }

  protected begin(client: Client): Session {
    this.makeRoom()
    const session = this.sessionOf(this.parts.userOf(client) ?? '')
    this.sessions.set(client.id, session)
    return session
  }

  protected sessionOf(user: string, filters: [string, 0 | 1 | 2][] = []): Session {
    const queue = new Queue(this.parts.limits, () => this.parts.dropped('offline-full'))
    return { user, filters: new Map(filters), queue }
  }

  /** A message of QoS 2 that came before and is not yet released. */
  protected isReceived(client: Client, messageId: number | undefined): boolean {
    return this.#incoming.get(client.id)?.has(messageId!) ?? false
  }

  protected makeRoom(): void {
    if (this.sessions.size < this.parts.limits.sessions) return
    const clientId = this.nextToForget()
    if (clientId === undefined) return
    this.parts.dropped('session-forgotten', this.sessions.get(clientId)!.queue.size)
    this.forget(clientId)
  }

  protected mayForget(clientId: string): boolean {
    return !this.isConnected(clientId)
  }

  /** The one away longest, of the user that has most of those: who makes ever new ones takes none from the others. */
  protected nextToForget(): string | undefined {
    const oldest = new Map<string, { clientId: string; count: number }>()
    for (const [clientId, { user }] of this.sessions) {
      if (!this.mayForget(clientId)) continue
      const { clientId: first, count } = oldest.get(user) ?? { clientId, count: 0 }
      oldest.set(user, { clientId: first, count: count + 1 })
    }
    return [...oldest.values()].toSorted((one, other) => other.count - one.count)[0]?.clientId
  }

  protected forget(clientId: string): void {
    const session = this.sessions.get(clientId)
    if (!session) return
    for (const filter of session.filters.keys()) this.tree.remove(filter, clientId)
    this.sessions.delete(clientId)
    this.#incoming.delete(clientId)
  }

  #owe(clientId: string, packet: AedesPublishPacket, qos: 0 | 1 | 2): void {
    const { brokerId, brokerCounter, topic, payload, retain } = packet
    const own = Buffer.from(payload as Buffer)
    this.sessions
      .get(clientId)
      ?.queue.add({ cmd: 'publish', brokerId, brokerCounter, topic, payload: own, qos, retain, dup: false })
  }
}
