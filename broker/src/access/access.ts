/**
 * Who may connect, publish and subscribe. Everything is by identity: the user that the password proved, never the client id.
 *
 * CONNECT: user and password → room for a client → the will, by the rule for messages → the client id, which is bound to the
 * user that is connected with it or that owns the session kept for it. Only then the connection is opened for more.
 */
import type { Aedes, AedesOptions, Client, PublishPacket, Subscription } from 'aedes'
import type { Connection } from '../guard/connection.ts'
import { connackOf, type Refusal } from '../refusals.ts'
import { covers, levelsOf, matches } from '../topics.ts'
import { Verifier } from './password.ts'
import { type Rights, rightsOf } from './policy.ts'
import type { Users } from './users.ts'

export interface Identity {
  user: string
  rights: Rights
}

export interface AccessParts {
  users: Users
  limits: { clients: number; subscriptionsPerClient: number }
  dangerouslyAllowAnonymous: boolean
  counts: {
    refused(reason: Refusal, detail?: Record<string, unknown>): void
    received(bytes: number): void
    delivered(): void
  }
  /** Whose session is kept under a client id. */
  ownerOf(clientId: string): string | undefined
}

export interface Access {
  hooks: Required<
    Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'>
  >
  /** Follows a broker's events. */
  follow(aedes: Aedes): void
  /** The user of a connected client. */
  userOf(client: Client): string | undefined
  /** Whether a user may read a filter, by the users file as it is now. */
  mayRead(user: string, filter: string): boolean
  /** The client was granted this filter. */
  holds(client: Client, filter: string): boolean
  /** Clients whose user is known. */
  clients(): number
}

interface Known extends Identity {
  filters: Set<string>
}

const anonymous = (): Identity => ({ user: '', rights: rightsOf('', 'admin', []) })

export function createAccess(parts: AccessParts): Access {
  const { users, limits, counts } = parts
  const verifier = new Verifier()
  const wills = new WeakMap<Client, PublishPacket>()
  /** Outlives the connection: the will is checked when it is gone. */
  const known = new WeakMap<Client, Known>()
  const live = new Set<Client>()
  /** Who holds a client id, from the moment it was allowed until the connection is gone. */
  const holders = new Map<string, { user: string; connections: number }>()

  const identify = async (name: string | undefined, password: Buffer | undefined): Promise<Identity | Refusal> => {
    if (name === undefined) return parts.dangerouslyAllowAnonymous ? anonymous() : 'anonymous'
    const hash = users.get(name)?.hash
    if (!(await verifier.verify(name, hash, password ?? Buffer.alloc(0)))) return 'bad-credentials'
    const user = users.get(name) // the file may have changed meanwhile
    return user?.hash.key.equals(hash!.key) ? { user: name, rights: user.rights } : 'bad-credentials'
  }

  const allow = (client: Client, { user, rights }: Identity): Refusal | undefined => {
    const will = wills.get(client)
    if (live.size >= limits.clients && !holders.has(client.id)) return 'clients-full'
    if (will && !mayPublish(rights, will.topic)) return 'will-forbidden'
    if ((holders.get(client.id)?.user ?? parts.ownerOf(client.id) ?? user) !== user) return 'client-id-taken'
    return undefined
  }

  const enter = (client: Client, { user, rights }: Identity) => {
    const connection = client.conn as Connection
    const { id } = client
    const holder = holders.get(id) ?? { user, connections: 0 }
    holder.connections++
    holders.set(id, holder)
    known.set(client, { user, rights, filters: new Set() })
    live.add(client)
    connection.once('close', () => {
      if (--holder.connections === 0) holders.delete(id)
      live.delete(client)
    })
    connection.open()
  }

  const mayRead = (client: Client, filter: string) => {
    const asked = levelsOf(filter)
    return known.get(client)?.rights.subscribe.some((right) => covers(right, asked)) ?? false
  }

  users.onChange((names) => {
    for (const client of live) if (names.has(known.get(client)!.user)) (client.conn as Connection).refuse('credentials-changed')
  })

  return {
    userOf: (client) => known.get(client)?.user,
    holds: (client, filter) => known.get(client)?.filters.has(filter) ?? false,
    mayRead(user, filter) {
      const rights = user === '' && parts.dangerouslyAllowAnonymous ? anonymous().rights : users.get(user)?.rights
      return rights?.subscribe.some((right) => covers(right, levelsOf(filter))) ?? false
    },
    clients: () => live.size,
    follow(aedes) {
      aedes.on('unsubscribe', (filters, client) => {
        for (const filter of filters) known.get(client)?.filters.delete(filter)
      })
    },
    hooks: {
      preConnect(client, packet, done) {
        if (packet.will) wills.set(client, packet.will as PublishPacket)
        done(null, true)
      },
      authenticate(client, name, password, done) {
        const refuse = (reason: Refusal) => {
          counts.refused(reason, { user: name, clientId: client.id })
          done(Object.assign(new Error(reason), { returnCode: connackOf(reason) }) as never, false)
        }
        identify(name, password as Buffer | undefined).then(
          (identity) => {
            if (client.closed || client.conn.destroyed) return
            const reason = typeof identity === 'string' ? identity : allow(client, identity)
            if (reason) return refuse(reason)
            enter(client, identity as Identity)
            done(null, true)
          },
          () => refuse('bad-credentials'),
        )
      },
      authorizePublish(client, packet, done) {
        const identity = client && known.get(client)
        if (!identity || !mayPublish(identity.rights, packet.topic)) {
          counts.refused('publish-forbidden', { user: identity?.user, clientId: client?.id, topic: packet.topic })
          return done(new Error('publish-forbidden'))
        }
        packet.dup = false // [MQTT-3.3.1-3]: DUP is not passed on
        counts.received(packet.payload.length)
        done(null)
      },
      authorizeSubscribe(client, subscription: Subscription, done) {
        const reason = checkSubscription(client, subscription.topic)
        if (reason) counts.refused(reason, { user: known.get(client)?.user, clientId: client.id, filter: subscription.topic })
        done(null, reason ? null : subscription)
      },
      authorizeForward(_client, packet) {
        counts.delivered()
        return packet
      },
    },
  }

  function checkSubscription(client: Client, filter: string): Refusal | undefined {
    const filters = known.get(client)?.filters
    if (!filters || !mayRead(client, filter)) return 'subscribe-forbidden'
    if (!filters.has(filter) && filters.size >= limits.subscriptionsPerClient) return 'subscriptions-full'
    filters.add(filter)
    return undefined
  }
}

function mayPublish(rights: Rights, topic: string): boolean {
  const levels = levelsOf(topic)
  return rights.publish.some((right) => matches(right, levels))
}
