/**
 * The metrics endpoint, off by default: `/health` is JSON, `/metrics` Prometheus text. Every process has the same one; one
 * that has a page for people on its own machine shows it at `/`.
 *
 * On loopback only names of loopback are answered, so that no web site can read it through a browser. Elsewhere it needs TLS
 * and a credential (HTTP Basic); then only the bare answer of `/health` is for everybody, as probes have no credential.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { Guesses } from './guesses.ts'
import { basicCheck, listenFailure, refuseOpenListener } from './http.ts'
import { createHttpServer } from './http-server.ts'
import { basicCredentialSchema, httpsSchema } from './listener-schema.ts'
import { isLoopback } from './loopback.ts'
import { sourceOf } from './source-address.ts'

export const metricsEndpointSchema = z
  .strictObject({
    host: z.string().default('127.0.0.1').describe('Address to listen on. Off loopback it needs tls and credential.'),
    port: z.int().min(0).max(65_535).default(0).describe('Serves /health and /metrics on this port; 0 is off.'),
    tls: httpsSchema,
    credential: basicCredentialSchema('Of the scraper.').describe('Ask for this name and password (HTTP Basic).'),
  })
  .prefault({})
export type MetricsEndpointConfig = z.infer<typeof metricsEndpointSchema>

export interface MetricsEndpoint {
  port: number
  close(): Promise<void>
}

const wrongHeldMs = 1_000
const connectionsMax = 16
const htmlHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
const headers = { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' }

export interface Pages {
  health(): unknown
  metrics(): string
  /** More JSON, by path, for who has the credential. */
  json?: ReadonlyMap<string, () => unknown> | undefined
  /** HTML, at `/`; it has no script, and loads nothing. */
  page?: (() => string) | undefined
}

/** Undefined when it is off. @throws MillraceError LISTENER_NOT_LOOPBACK, PROCESS_PORT_IN_USE */
export async function serveMetricsEndpoint(config: MetricsEndpointConfig, pages: Pages): Promise<MetricsEndpoint | undefined> {
  if (config.port === 0) return undefined
  const isLocal = isLoopback(config.host)
  refuseOpenListener(config)
  const isCredential = config.credential && basicCheck(config.credential)
  const guesses = new Guesses()
  const server = createHttpServer({ tls: config.tls, headers, connectionsMax }, (request, response) => {
    const isKnown = isCredential === undefined || isCredential(request.headers.authorization)
    if (isLocal && !isLoopback(hostOf(request))) response.writeHead(421).end()
    else if (request.url === '/health') sendJson(isKnown ? pages.health() : { status: 'ok' })
    else if (!isKnown) refuseStranger(request, response, guesses)
    else if (request.url === '/metrics') response.setHeader('content-type', 'text/plain; version=0.0.4').end(pages.metrics())
    else if (pages.json?.has(request.url ?? '')) sendJson(pages.json.get(request.url!)!())
    else if (request.url === '/' && pages.page) response.writeHead(200, htmlHeaders).end(pages.page())
    else response.writeHead(404).end()

    function sendJson(body: unknown): void {
      response.setHeader('content-type', 'application/json').end(`${JSON.stringify(body)}\n`)
    }
  })
  await listen(server, config)
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** An address that has sent many wrong passwords waits for each further answer, and its connection ends with it. */
function refuseStranger({ headers, socket }: IncomingMessage, response: ServerResponse, guesses: Guesses): void {
  const refuse = () => response.writeHead(401, { 'www-authenticate': 'Basic realm="Millrace"', connection: 'close' }).end()
  if (headers.authorization === undefined || guesses.take(sourceOf(socket.remoteAddress))) refuse()
  else setTimeout(refuse, wrongHeldMs).unref()
}

function listen(server: Server, { host, port }: MetricsEndpointConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenFailure(error, port)))
    server.listen(port, host, resolve)
  })
}

/** Without the port. */
function hostOf({ headers }: IncomingMessage): string {
  return (headers.host ?? '').replace(/:\d+$/, '')
}
