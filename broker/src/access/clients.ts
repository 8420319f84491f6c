/** The clients whose user is known, and the client ids that they hold. */
import type { Client } from 'aedes'
import type { Connection } from '../guard/connection.ts'
import type { ClientCertificate } from './certificates.ts'
import type { Rights } from './policy.ts'

export interface Identity {
  user: string
  rights: Rights
  /** By which the user was proved. */
  certificate?: ClientCertificate
  /** Id of the password by which it was, see password.ts. */
  password?: string
}

interface Known extends Identity {
  /** Granted. */
  filters: Set<string>
}

export class Clients {
  /** Outlives the connection: the will is checked after it has ended. */
  readonly #known = new WeakMap<Client, Known>()
  readonly #live = new Set<Client>()
  /** Of them, by user. */
  readonly #counts = new Map<string, number>()
  /** Who holds a client id, from the moment it was allowed until the connection has ended. */
  readonly #holders = new Map<string, { user: string; connections: number }>()

  /** Connected. */
  get size(): number {
    return this.#live.size
  }

  of(client: Client): Known | undefined {
    return this.#known.get(client)
  }

  holderOf(clientId: string): string | undefined {
    return this.#holders.get(clientId)?.user
  }

  enter(client: Client, identity: Identity): void {
    const { id } = client
    const { user } = identity
    const holder = this.#holders.get(id) ?? { user, connections: 0 }
    holder.connections++
    this.#holders.set(id, holder)
    this.#known.set(client, { ...identity, filters: new Set() })
    this.#live.add(client)
    this.#count(user, 1)
    connectionOf(client).once('close', () => {
      if (--holder.connections === 0) this.#holders.delete(id)
      this.#live.delete(client)
      this.#count(user, -1)
    })
  }

  /** Clients of a user that are connected. */
  countOf(user: string): number {
    return this.#counts.get(user) ?? 0
  }

  identities(): Identity[] {
    return [...this.#live].map((client) => this.#known.get(client)!)
  }

  connectionsOf(isMeant: (identity: Identity) => boolean): Connection[] {
    return [...this.#live].filter((client) => isMeant(this.#known.get(client)!)).map(connectionOf)
  }

  #count(user: string, by: 1 | -1): void {
    const count = this.countOf(user) + by
    if (count === 0) this.#counts.delete(user)
    else this.#counts.set(user, count)
  }
}

export function connectionOf(client: Client): Connection {
  return client.conn as Connection
}
