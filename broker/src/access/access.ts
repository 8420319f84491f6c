/**
 * Who may connect, publish and subscribe. Everything is by identity: the user that the password or the client certificate proved,
 * never the client id. Who sent a certificate is known by it alone: user name and password are not looked at then.
 *
 * CONNECT: certificate, or user and password → room for a client → the will, by the rule for messages → the client id, which is bound to the
 * user that is connected with it or that owns the session kept for it. Only then the connection is opened for more.
 */

import { isDeepStrictEqual } from 'node:util'
import { covers, levelsOf, matches } from '@millrace/contract'
import { type Clock, every, sourceOf } from '@millrace/platform'
import type { Aedes, AedesOptions, Client, PublishPacket } from 'aedes'
import { connackOf, type Refusal } from '../refusals.ts'
import { type ClientCertificate, type Revoked, rightsOfName } from './certificates.ts'
import { Clients, connectionOf, type Identity } from './clients.ts'
import { type PasswordHash, passwordId, Verifier } from './password.ts'
import type { PasswordUse } from './password-use.ts'
import { type Rights, rightsOf } from './policy.ts'
import type { Users } from './users.ts'

export interface AccessParts {
  users: Users
  revoked: Pick<Revoked, 'has' | 'onChange'>
  /** Certificates are asked for: a name that the file of users does not have is that of a node. */
  takesCertificates: boolean
  limits: { clients: number; clientsPerUser: number; subscriptionsPerClient: number }
  dangerouslyAllowAnonymous: boolean
  /** There is a file of users. Without one, and with anonymous clients let in, credentials are ignored. */
  hasUsers: boolean
  counts: {
    refused(reason: Refusal, detail?: Record<string, unknown>): void
    received(bytes: number): void
    delivered(): void
  }
  use: Pick<PasswordUse, 'used'>
  /** Wall clock. */
  now(): number
  /** Whose session is kept under a client id. */
  ownerOf(clientId: string): string | undefined
}

export type AccessHooks = Required<
  Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'>
>

const anonymous = (): Identity => ({ user: '', rights: rightsOf('', 'admin', []) })

const expiryLookMs = 1_000

export class Access {
  readonly #parts: AccessParts
  readonly #verifier = new Verifier()
  readonly #clients = new Clients()
  readonly #wills = new WeakMap<Client, PublishPacket>()

  constructor(parts: AccessParts) {
    this.#parts = parts
    parts.users.onChange((names) => {
      const changed = this.#clients.connectionsOf((identity) => names.has(identity.user) && !this.#isStill(identity))
      for (const connection of changed) connection.refuse('credentials-changed')
    })
    parts.revoked.onChange(() => this.#closeRevoked())
  }

  readonly hooks: AccessHooks = {
    preConnect: (client, packet, done) => {
      if (packet.will) this.#wills.set(client, packet.will as PublishPacket)
      done(null, true)
    },
    authenticate: (client, name, password, done) => {
      this.#identify(client, name, password as Buffer | undefined).then((identity) => {
        if (client.closed || client.conn.destroyed) return
        const reason = this.#admit(client, identity)
        if (!reason) return done(null, true)
        this.#parts.counts.refused(reason, { user: typeof identity === 'string' ? name : identity.user, ...whoseOf(client) })
        done(Object.assign(new Error(reason), { returnCode: connackOf(reason) }) as never, false)
      })
    },
    authorizePublish: (client, packet, done) => {
      const { counts } = this.#parts
      const identity = client && this.#clients.of(client)
      if (identity && packet.topic.startsWith('$')) {
        counts.refused('dollar-topic', { user: identity.user, ...whoseOf(client), topic: packet.topic })
        return done(null)
      }
      if (!identity || !mayPublish(identity.rights, packet.topic)) {
        counts.refused('publish-forbidden', { user: identity?.user, ...(client && whoseOf(client)), topic: packet.topic })
        return done(new Error('publish-forbidden'))
      }
      packet.dup = false // [MQTT-3.3.1-3]: DUP is not passed on
      counts.received(packet.payload.length)
      done(null)
    },
    authorizeSubscribe: (client, subscription, done) => {
      const { topic: filter } = subscription
      const reason = this.#grant(client, filter)
      if (reason) this.#parts.counts.refused(reason, { user: this.userOf(client), ...whoseOf(client), filter })
      done(null, reason ? null : subscription)
    },
    authorizeForward: (_client, packet) => {
      this.#parts.counts.delivered()
      return packet
    },
  }

  /** Follows the events of the engine. */
  follow(aedes: Aedes): void {
    aedes.on('unsubscribe', (filters, client) => {
      for (const filter of filters) this.#clients.of(client)?.filters.delete(filter)
    })
  }

  /** Closes clients whose certificate has ended while they were connected, until it is stopped. */
  watchExpiry(clock: Clock): () => void {
    if (!this.#parts.takesCertificates) return () => {}
    return every(clock, expiryLookMs, () => {
      const nowMs = clock.now()
      const ended = this.#clients.connectionsOf(({ certificate }) => certificate !== undefined && certificate.untilMs < nowMs)
      for (const connection of ended) connection.refuse('certificate-ended')
    })
  }

  /** The user of a connected client. */
  userOf(client: Client): string | undefined {
    return this.#clients.of(client)?.user
  }

  /** Whether a user may read a filter, by the users file as it is now. */
  mayRead(user: string, filter: string): boolean {
    return mayRead(this.#rightsOf(user), filter)
  }

  /** Whether a user may publish there, by the users file as it is now. */
  mayPublish(user: string, topic: string): boolean {
    const rights = this.#rightsOf(user)
    return rights !== undefined && mayPublish(rights, topic)
  }

  /** The client was granted this filter. */
  holds(client: Client, filter: string): boolean {
    return this.#clients.of(client)?.filters.has(filter) ?? false
  }

  /** Clients whose user is known. */
  clients(): number {
    return this.#clients.size
  }

  async #identify(client: Client, name: string | undefined, password: Buffer | undefined): Promise<Identity | Refusal> {
    const { certificate } = connectionOf(client)
    if (certificate) return this.#identifyByCertificate(certificate)
    const { users, dangerouslyAllowAnonymous, hasUsers } = this.#parts
    if (dangerouslyAllowAnonymous && (name === undefined || !hasUsers)) return anonymous()
    if (name === undefined) return 'anonymous'
    const found = await this.#proven(client, name, password ?? Buffer.alloc(0))
    if (typeof found === 'string') return found
    const user = users.get(name) // the file may have changed while the password was checked
    if (!user?.hashes.some(({ key }) => key.equals(found.key))) return 'bad-credentials'
    const id = passwordId(found)
    this.#parts.use.used(name, id, this.#parts.now())
    return { user: name, rights: user.rights, password: id }
  }

  /** The password that was given, of those that the user has. */
  async #proven(client: Client, name: string, password: Buffer): Promise<PasswordHash | Refusal> {
    const address = sourceOf(connectionOf(client).address)
    const hashes = this.#parts.users.get(name)?.hashes ?? [undefined]
    let refusal: Refusal = 'bad-credentials'
    for (const hash of hashes.toReversed()) {
      // A name has no colon: each password is remembered for itself.
      const remembered = hash ? `${name}:${passwordId(hash)}` : name
      const isProven = await this.#verifier.verify(remembered, hash, password, address).catch(() => false)
      if (isProven && hash) return hash
      if (isProven === undefined) refusal = 'login-throttled'
    }
    return refusal
  }

  /** What proved it, and its rights, are those of the users file as it is now. */
  #isStill({ user: name, rights, password }: Identity): boolean {
    const user = this.#parts.users.get(name)
    const isPassword = password === undefined || user?.hashes.some((hash) => passwordId(hash) === password)
    return user !== undefined && isPassword === true && isDeepStrictEqual(user.rights, rights)
  }

  /** The passwords of connected clients are in use now. */
  markUse(): void {
    for (const { user, password } of this.#clients.identities())
      if (password !== undefined) this.#parts.use.used(user, password, this.#parts.now())
  }

  #identifyByCertificate(certificate: ClientCertificate): Identity | Refusal {
    const { name } = certificate
    const rights = name === undefined ? undefined : this.#rightsOf(name)
    return name !== undefined && rights ? { user: name, rights, certificate } : 'certificate-invalid'
  }

  #rightsOf(user: string): Rights | undefined {
    const { users, dangerouslyAllowAnonymous, takesCertificates } = this.#parts
    if (user === '') return dangerouslyAllowAnonymous ? anonymous().rights : undefined
    return users.get(user)?.rights ?? (takesCertificates ? rightsOfName(user) : undefined)
  }

  #closeRevoked(): void {
    const { revoked } = this.#parts
    const closed = this.#clients.connectionsOf(({ certificate }) => certificate !== undefined && revoked.has(certificate.serial))
    for (const connection of closed) connection.refuse('certificate-revoked')
  }

  /** Opens the connection for more than CONNECT, or says why not. */
  #admit(client: Client, identity: Identity | Refusal): Refusal | undefined {
    const reason = typeof identity === 'string' ? identity : this.#check(client, identity)
    if (reason) return reason
    this.#clients.enter(client, identity as Identity)
    connectionOf(client).open()
    return undefined
  }

  #check(client: Client, { user, rights, certificate }: Identity): Refusal | undefined {
    if (certificate && this.#parts.revoked.has(certificate.serial)) return 'certificate-revoked'
    const will = this.#wills.get(client)
    const holder = this.#clients.holderOf(client.id)
    const { limits } = this.#parts
    if (this.#clients.size >= limits.clients && holder === undefined) return 'clients-full'
    if (limits.clientsPerUser > 0 && this.#clients.countOf(user) >= limits.clientsPerUser && holder === undefined)
      return 'user-full'
    if (will && !mayPublish(rights, will.topic)) return 'will-forbidden'
    if ((holder ?? this.#parts.ownerOf(client.id) ?? user) !== user) return 'client-id-taken'
    return undefined
  }

  #grant(client: Client, filter: string): Refusal | undefined {
    const known = this.#clients.of(client)
    if (filter.startsWith('$share/')) return 'shared-subscription'
    if (!known || !mayRead(known.rights, filter)) return 'subscribe-forbidden'
    const { filters } = known
    if (!filters.has(filter) && filters.size >= this.#parts.limits.subscriptionsPerClient) return 'subscriptions-full'
    filters.add(filter)
    return undefined
  }
}

const whoseOf = (client: Client) => ({ clientId: client.id, address: connectionOf(client).address })

function mayPublish(rights: Rights, topic: string): boolean {
  const levels = levelsOf(topic)
  return rights.publish.some((right) => matches(right, levels))
}

function mayRead(rights: Rights | undefined, filter: string): boolean {
  const levels = levelsOf(filter)
  return rights?.subscribe.some((right) => covers(right, levels)) ?? false
}
