/**
 * Connections to the nodes, one for each node and purpose, opened when first used. A connection that failed or whose answer did
 * not come in time is closed; the next call opens another. Why not the library's pool: it shares one connection for a long poll
 * and everything else.
 */
import { isLoopback, MillraceError } from '@millrace/platform'
import { Connection, type ConnectionOptions } from '@platformatic/kafka'
import { KafkaFailure } from '../client.ts'
import { toFailure } from './errors.ts'

export interface Address {
  host: string
  port: number
}

export interface ConnectionsOptions {
  clientId: string
  connection: ConnectionOptions
  /** Refuses an address that is not on loopback. */
  loopbackOnly: boolean
  onConnect(): void
}

export class Connections {
  readonly #options: ConnectionsOptions
  /** By node and purpose. */
  readonly #open = new Map<string, Promise<Connection>>()
  readonly #all = new Set<Connection>()
  #isClosed = false

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  /** Runs `call` on the connection. @throws KafkaFailure, MillraceError LOG_NOT_ENCRYPTED */
  async use<T>(address: Address, purpose: string, call: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new KafkaFailure('CLOSED', false)
    const name = `${address.host}:${address.port} ${purpose}`
    let connection: Connection | undefined
    try {
      connection = await (this.#open.get(name) ?? this.#connect(address, name))
      return await call(connection)
    } catch (error) {
      if (error instanceof MillraceError) throw error
      const failure = toFailure(error)
      // What is behind it on this connection will not come either.
      if (failure.name === 'NO_ANSWER') connection?.socket.destroy()
      throw failure
    }
  }

  #connect({ host, port }: Address, name: string): Promise<Connection> {
    const { clientId, connection: options, loopbackOnly, onConnect } = this.#options
    if (loopbackOnly && !isLoopback(host)) throw new MillraceError('LOG_NOT_ENCRYPTED', { host: `${host}:${port}` })
    const connection = new Connection(clientId, options)
    this.#all.add(connection)
    // Failures reach the callers; without a listener they would end the process.
    connection.on('error', () => {})
    const forget = () => {
      this.#all.delete(connection)
      if (this.#open.get(name) === connecting) this.#open.delete(name)
    }
    connection.once('close', forget)
    const connecting: Promise<Connection> = (connection.connect(host, port) as Promise<void>).then(
      () => {
        onConnect()
        return connection
      },
      (error: unknown) => {
        forget()
        connection.socket?.destroy()
        throw error
      },
    )
    this.#open.set(name, connecting)
    return connecting
  }

  /** Also those to nodes that do not answer: closing waits for nobody. */
  close(): void {
    this.#isClosed = true
    this.#open.clear()
    for (const { socket } of this.#all) socket?.destroy(new KafkaFailure('CLOSED', false))
    this.#all.clear()
  }
}
