/**
 * The listener for MQTT over WebSocket (MQTT 3.1.1 section 6): the handshake, then the same guard as for TCP.
 *
 * A browser lets every web page open a WebSocket to every host, loopback included. So a handshake with an `Origin` is taken only when it is
 * in `websocket.origins`; programs send none.
 */
import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '@millrace/platform'
import { WebSocketServer } from 'ws'
import { certificateOf } from '../access/certificates.ts'
import type { BrokerConfig } from '../config.ts'
import { type Accept, bind, tlsOptions } from '../listener.ts'
import { WebSocketStream } from './stream.ts'

export interface WebSocketListener {
  server: HttpServer
  port: number
  close(): Promise<void>
}

/** Of all headers of a handshake. */
const headerBytesMax = 8_192

interface Handshakes {
  accept: Accept
  clock: Clock
  limits: BrokerConfig['limits']
  websocket: { path: string; origins: string[] }
  sockets: WebSocketServer
  /** Raw sockets that have not shaken hands yet. */
  waiting: Set<Socket>
}

/** Resolves when it listens. @throws MillraceError PROCESS_PORT_IN_USE, BROKER_TLS_UNREADABLE. */
export async function listenWebSocket(
  { tls, limits }: BrokerConfig,
  websocket: NonNullable<BrokerConfig['websocket']>,
  accept: Accept,
  clock: Clock,
): Promise<WebSocketListener> {
  const options = { maxHeaderSize: headerBytesMax, keepAlive: true }
  const server = tls ? createTlsServer({ ...options, ...tlsOptions(tls) }) : createServer(options)
  const waiting = new Set<Socket>()
  follow(server, { accept, clock, limits, websocket, waiting, sockets: createSockets(limits.packetBytes) })
  return {
    server,
    port: await bind(server, websocket),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
        for (const raw of waiting) raw.destroy()
      }),
  }
}

function createSockets(maxPayload: number): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    autoPong: false,
    maxPayload,
    handleProtocols: () => 'mqtt', // [MQTT-6.0.0-4]
  })
}

function follow(server: HttpServer, handshakes: Handshakes): void {
  server.prependListener('connection', (raw: Socket) => {
    raw.on('error', () => raw.destroy())
    if (handshakes.accept.admit(raw)) awaitHandshake(raw, handshakes)
  })
  server.on('tlsClientError', (error: Error, socket: Socket) => {
    handshakes.accept.refused('tls-handshake', { address: socket.remoteAddress, error })
    socket.destroy()
  })
  server.on('clientError', (_error, socket) => socket.destroy())
  server.on('request', (_request, response) => response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end())
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => upgrade(request, socket, head, handshakes))
}

function awaitHandshake(raw: Socket, { accept, clock, limits, waiting }: Handshakes): void {
  waiting.add(raw)
  const cancel = clock.after(limits.connectTimeoutMs, () => {
    if (!waiting.has(raw)) return
    accept.refused('connect-timeout', { address: raw.remoteAddress })
    raw.destroy()
  })
  raw.once('close', () => {
    cancel()
    waiting.delete(raw)
  })
}

function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, handshakes: Handshakes): void {
  const { accept, limits, sockets, waiting, websocket } = handshakes
  const fault = faultOf(request, websocket)
  if (fault) {
    accept.refused('websocket-handshake', { address: request.socket.remoteAddress, what: fault })
    return void socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')
  }
  sockets.handleUpgrade(request, socket, head, (ws) => {
    for (const raw of waiting) if (isSame(raw, request.socket)) waiting.delete(raw)
    const refused = (detail: Record<string, unknown>) => accept.refused('websocket-frame', detail)
    const stream = new WebSocketStream(ws, request.socket, { connectBytes: limits.connectBytes, refused })
    accept.guard(stream, certificateOf(request.socket))
  })
}

/** What is wrong with a handshake; the rest is checked by `ws`. */
function faultOf({ url, headers }: IncomingMessage, { path, origins }: { path: string; origins: string[] }): string | undefined {
  if ((url ?? '').split('?')[0] !== path) return 'path'
  if (headers.origin !== undefined && !origins.includes(headers.origin)) return `origin ${headers.origin.slice(0, 100)}`
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim())
  return offered.includes('mqtt') ? undefined : 'subprotocol' // [MQTT-6.0.0-3]
}

/** A TLS socket has the ports of its raw one. */
function isSame(raw: Socket, socket: Socket): boolean {
  return raw === socket || (raw.remotePort === socket.remotePort && raw.remoteAddress === socket.remoteAddress)
}
