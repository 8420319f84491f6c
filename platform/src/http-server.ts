/**
 * The HTTP server under the page and the metrics endpoints. What it holds for strangers is bounded in number and time, and its headers
 * go with every answer, also with those that no route gives: a request that cannot be read, that has no host, or that comes too slowly.
 */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { hasFairRoom } from './fair-room.ts'
import { readTls } from './http.ts'
import { sourceOf } from './source-address.ts'

export interface HttpServerOptions {
  tls?: { certFile: string; keyFile: string } | undefined
  /** Of every answer. */
  headers: Record<string, string>
  /** Connections at a time; past them each source still gets an equal share of as much again. */
  connectionsMax: number
  /** A connection was closed because there is no room. */
  refused?(): void
}

const limits = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 500,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 16_384,
  /** The handler refuses a request without one as it refuses a foreign one. */
  requireHostHeader: false,
}
/** Nothing read nor written for so long: the client does not take its answer. */
const silentMsMax = 120_000
/** Browsers ask for this name by TLS alone for a year (RFC 6797); they ignore it for an IP address. */
const strictTransport = { 'strict-transport-security': 'max-age=31536000' }

export function createHttpServer(options: HttpServerOptions, handle: RequestListener): Server {
  const { tls } = options
  const server = tls
    ? (createTlsServer({ ...limits, ...readTls(tls), handshakeTimeout: limits.headersTimeout }) as unknown as Server)
    : createServer(limits)
  const headers = Object.entries({ ...options.headers, ...(tls ? strictTransport : {}) })
  const answer: RequestListener = (request, response) => {
    for (const [name, value] of headers) response.setHeader(name, value)
    handle(request, response)
  }
  server.timeout = silentMsMax
  server.on('request', answer)
  // An expectation may be ignored (RFC 9110 section 10.1.1); by itself Node answers 417 without any header.
  server.on('checkExpectation', answer)
  server.on('clientError', (error, socket) => refuseBytes(error, socket as Socket, headers))
  boundConnections(server, options)
  return server
}

const statusLines = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', '413 Payload Too Large'],
])

/** There is no request to answer. Into an answer that has begun nothing is written. */
function refuseBytes({ code = '' }: NodeJS.ErrnoException, socket: Socket, headers: [string, string][]): void {
  const { _httpMessage: begun } = socket as Socket & { _httpMessage?: ServerResponse }
  if (!socket.writable || begun?.headersSent) return void socket.destroy()
  const all = [...headers, ['content-length', '0'], ['connection', 'close']].map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${statusLines.get(code) ?? '400 Bad Request'}\r\n${all.join('')}\r\n`, () => socket.destroy())
}

function boundConnections(server: Server, { connectionsMax: max, refused }: HttpServerOptions): void {
  const held = new Map<string, number>()
  let used = 0
  // Before TLS: a handshake is work, too.
  server.prependListener('connection', (socket: Socket) => {
    const source = sourceOf(socket.remoteAddress)
    const own = held.get(source) ?? 0
    if (!hasFairRoom({ max, used, own, sharers: held.size + (own === 0 ? 1 : 0) })) {
      refused?.()
      return void socket.destroy()
    }
    used++
    held.set(source, own + 1)
    socket.once('close', () => {
      used--
      const left = held.get(source)! - 1
      if (left > 0) held.set(source, left)
      else held.delete(source)
    })
  })
}
