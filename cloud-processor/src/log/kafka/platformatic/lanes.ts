/**
 * Connections to the nodes, one for each node and purpose, opened when first used. A connection that failed or whose answer did
 * not come in time is gone; the next call opens another. Why not the library's pool: it shares one connection for a long poll
 * and everything else.
 */
import { isLoopback, MillraceError } from '@millrace/platform'
import { Connection, type ConnectionOptions } from '@platformatic/kafka'
import { KafkaFailure } from '../client.ts'
import { toFailure } from './errors.ts'
import { createFrames, type Frames } from './frames.ts'

export interface Address {
  host: string
  port: number
}

export interface LaneOptions {
  clientId: string
  connection: ConnectionOptions
  /** Refuses an address that is not on loopback. */
  loopbackOnly: boolean
  requestMs: number
  onConnect(): void
}

interface Opened {
  connection: Connection
  frames: Frames
}

export interface Lanes {
  /** Runs `call` on the connection. @throws KafkaFailure */
  use<T>(address: Address, purpose: string, call: (connection: Connection, frames: Frames) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export function createLanes({ clientId, connection: options, loopbackOnly, requestMs, onConnect }: LaneOptions): Lanes {
  const open = new Map<string, Promise<Opened>>()
  const connections = new Set<Connection>()
  let isClosed = false

  function connect({ host, port }: Address, name: string): Promise<Opened> {
    if (loopbackOnly && !isLoopback(host)) throw new MillraceError('LOG_NOT_ENCRYPTED', { host: `${host}:${port}` })
    const connection = new Connection(clientId, options)
    connections.add(connection)
    // Failures reach the callers; without a listener they would end the process.
    connection.on('error', () => {})
    const forget = () => {
      connections.delete(connection)
      if (open.get(name) === connecting) open.delete(name)
    }
    connection.once('close', forget)
    const connecting: Promise<Opened> = (connection.connect(host, port) as Promise<void>).then(
      () => {
        onConnect()
        return { connection, frames: createFrames(connection, clientId, requestMs) }
      },
      (error: unknown) => {
        forget()
        connection.socket?.destroy()
        throw error
      },
    )
    open.set(name, connecting)
    return connecting
  }

  return {
    async use(address, purpose, call) {
      if (isClosed) throw new KafkaFailure('CLOSED', false)
      const name = `${address.host}:${address.port} ${purpose}`
      try {
        const { connection, frames } = await (open.get(name) ?? connect(address, name))
        return await call(connection, frames)
      } catch (error) {
        throw error instanceof MillraceError ? error : toFailure(error)
      }
    },
    async close() {
      isClosed = true
      open.clear()
      // Also those of nodes that do not answer yet: closing waits for nobody.
      for (const { socket } of connections) socket?.destroy(new KafkaFailure('CLOSED', false))
      connections.clear()
    },
  }
}
