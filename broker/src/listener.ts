/** The TCP or TLS listener. Sockets stay half open after the client's FIN, so that what it sent before is still answered. */
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { listenFailure, MillraceError } from '@millrace/platform'
import { type ClientCertificate, certificateOf } from './access/certificates.ts'
import type { BrokerConfig } from './config.ts'
import type { ByteSocket } from './guard/byte-socket.ts'
import type { Refusal } from './refusals.ts'

export interface Accept {
  /** Every socket, before TLS; false: it was refused. */
  admit(socket: Socket): boolean
  /** An admitted socket, after TLS and the WebSocket handshake. */
  guard(socket: ByteSocket, certificate?: ClientCertificate): void
  refused(reason: Refusal, detail: Record<string, unknown>): void
}

/** Resolves when it listens. @throws MillraceError PROCESS_PORT_IN_USE, BROKER_TLS_UNREADABLE. */
export async function listen(config: BrokerConfig, accept: Accept): Promise<{ server: Server; port: number }> {
  const server = config.tls ? tlsServer(config.tls, config.limits.connectTimeoutMs, accept) : tcpServer(accept)
  return { server, port: await bind(server, config.listen) }
}

/** Resolves with the port that it listens on. @throws MillraceError PROCESS_PORT_IN_USE */
export async function bind(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenFailure(error, port)))
    server.listen({ host, port, backlog: 1024 }, resolve)
  })
  return (server.address() as AddressInfo).port
}

function tcpServer(accept: Accept): Server {
  return createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    if (accept.admit(socket)) accept.guard(socket)
  })
}

function tlsServer(tls: NonNullable<BrokerConfig['tls']>, handshakeTimeout: number, accept: Accept): Server {
  const server = createTlsServer({ ...tlsOptions(tls), handshakeTimeout, allowHalfOpen: true })
  server.prependListener('connection', (socket: Socket) => void accept.admit(socket))
  server.on('secureConnection', (socket) => accept.guard(socket, certificateOf(socket)))
  server.on('tlsClientError', (error, socket) => {
    accept.refused('tls-handshake', { address: socket.remoteAddress, error })
    socket.destroy()
  })
  return server
}

/** Client certificates are judged at CONNECT (access/certificates.ts): who has none may have a password. @throws MillraceError BROKER_TLS_UNREADABLE */
export function tlsOptions(tls: NonNullable<BrokerConfig['tls']>): TlsOptions {
  const { clientCaFile } = tls
  const clients =
    clientCaFile === undefined ? {} : { ca: readClientCa(clientCaFile), requestCert: true, rejectUnauthorized: false }
  return { ...readPair(tls), ...clients, minVersion: 'TLSv1.2' }
}

function readClientCa(clientCaFile: string): Buffer {
  try {
    return readFileSync(clientCaFile)
  } catch (cause) {
    throw new MillraceError('CONFIG_INVALID', { path: 'tls.clientCaFile', detail: (cause as Error).message }, cause)
  }
}

/** @throws MillraceError BROKER_TLS_UNREADABLE */
export function readPair({ certFile, keyFile }: NonNullable<BrokerConfig['tls']>): { cert: Buffer; key: Buffer } {
  try {
    const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
    createTlsServer(pair).close()
    return pair
  } catch (cause) {
    throw new MillraceError('BROKER_TLS_UNREADABLE', { certFile, keyFile, detail: (cause as Error).message }, cause)
  }
}
