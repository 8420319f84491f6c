/**
 * Between the network and the MQTT engine: admission, then one `Connection` a socket. Nothing of a connection
 * reaches the engine before a whole, well-formed CONNECT.
 */
import type { Socket } from 'node:net'
import type { Clock } from '@millrace/platform'
import type { ClientCertificate } from '../access/certificates.ts'
import type { Refusal } from '../refusals.ts'
import { Admission, type AdmissionLimits } from './admission.ts'
import type { ByteSocket } from './byte-socket.ts'
import { Connection, type ConnectionEvents, type ConnectionLimits } from './connection.ts'
import { Gate } from './gate.ts'
import { PacketChecks, type PacketLimits } from './packets.ts'

export type GuardLimits = ConnectionLimits & AdmissionLimits & PacketLimits

export interface GuardCounts {
  refused(reason: Refusal, detail: Record<string, unknown>): void
  throttled(): void
}

export interface Guard {
  /** Every raw socket, before TLS; false: it was refused. */
  admit(socket: Socket): boolean
  /** An admitted socket, after TLS and the WebSocket handshake. */
  guard(socket: ByteSocket, certificate?: ClientCertificate): void
  stats(): { connections: number; preAuth: number; outboundBytes: number }
  close(): void
}

/** Taken from all publishers together in one turn of the event loop. */
const turnBytes = 1_048_576

/** `handle` gets each connection whose CONNECT has come. */
export function createGuard(
  limits: GuardLimits,
  clock: Clock,
  counts: GuardCounts,
  handle: (connection: Connection) => void,
): Guard {
  const gate = new Gate(turnBytes)
  const checks = new PacketChecks(limits)
  const admission = new Admission(limits, (reason, address) => counts.refused(reason, { address }))
  const connections = new Set<Connection>()
  const events: ConnectionEvents = {
    greeted(connection) {
      admission.greeted(connection.socket)
      handle(connection)
    },
    opened({ socket }) {
      admission.opened(socket)
      socket.opened?.()
    },
    refused: (connection, reason) => counts.refused(reason, { address: connection.address }),
    throttled: () => counts.throttled(),
  }
  return {
    admit: (socket) => admission.enter(socket),
    guard(socket, certificate) {
      const connection = new Connection(socket, { limits, checks, clock, gate, events, certificate })
      connections.add(connection)
      connection.once('close', () => connections.delete(connection))
    },
    stats: () => ({ connections: connections.size, preAuth: admission.preAuth, outboundBytes: sumOutbound(connections) }),
    close() {
      admission.close()
      for (const connection of connections) connection.destroy()
    },
  }
}

function sumOutbound(connections: Set<Connection>): number {
  let bytes = 0
  for (const connection of connections) bytes += connection.outboundBytes
  return bytes
}
