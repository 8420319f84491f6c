/**
 * A small page for machines, off by default: `/health` is JSON, `/metrics` Prometheus text. Every process has the same one.
 *
 * On loopback only names of loopback are answered, so that no web site can read it through a browser. Elsewhere it needs TLS
 * and a credential (HTTP Basic); then only the bare answer of `/health` is for everybody, as probes have no credential.
 */
import { timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { MillraceError } from './errors.ts'

export const machinePageSchema = z
  .strictObject({
    host: z.string().default('127.0.0.1').describe('Address to listen on. Off loopback it needs tls and credential.'),
    port: z.int().min(0).max(65_535).default(0).describe('Serves /health and /metrics on this port; 0 is off.'),
    tls: z
      .strictObject({ certFile: z.string().describe('PEM.'), keyFile: z.string().describe('PEM.') })
      .optional()
      .describe('Serve HTTPS with this certificate.'),
    credential: z
      .strictObject({
        name: z.string().min(1).describe('Of the scraper.'),
        passwordFile: z.string().describe('File that holds its password on the first line.'),
      })
      .optional()
      .describe('Ask for this name and password (HTTP Basic).'),
  })
  .prefault({})
export type MachinePageConfig = z.infer<typeof machinePageSchema>

export interface MachinePage {
  port: number
  close(): Promise<void>
}

/** Undefined when it is off. @throws MillraceError LISTENER_NOT_LOOPBACK, PROCESS_PORT_IN_USE */
export async function serveMachinePage(
  config: MachinePageConfig,
  pages: { health(): unknown; metrics(): string },
): Promise<MachinePage | undefined> {
  if (config.port === 0) return undefined
  const isLocal = ['127.0.0.1', '::1', 'localhost'].includes(config.host)
  refuseOpenListener(config, isLocal)
  const expected = config.credential && authorisation(config.credential)
  const server = createFor(config)
  server.on('request', (request, response) => {
    const isKnown = expected === undefined || isSame(request.headers.authorization ?? '', expected)
    if (isLocal && !isLoopbackName(request)) response.writeHead(421).end()
    else if (request.url === '/health') sendJson(isKnown ? pages.health() : { status: 'ok' })
    else if (!isKnown) response.writeHead(401, { 'www-authenticate': 'Basic realm="Millrace"' }).end()
    else if (request.url === '/metrics') response.setHeader('content-type', 'text/plain; version=0.0.4').end(pages.metrics())
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

function refuseOpenListener({ host, tls, credential }: MachinePageConfig, isLocal: boolean): void {
  const missing = [tls ? '' : 'TLS', credential ? '' : 'credential'].filter(Boolean).join(' and ')
  if (!isLocal && missing) throw new MillraceError('LISTENER_NOT_LOOPBACK', { host, missing })
}

function createFor({ tls }: MachinePageConfig): Server {
  const limits = { requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 8192 }
  if (!tls) return createServer(limits)
  return createTlsServer({
    ...limits,
    cert: readFileSync(tls.certFile),
    key: readFileSync(tls.keyFile),
    minVersion: 'TLSv1.2',
  }) as unknown as Server
}

function listen(server: Server, { host, port }: MachinePageConfig): Promise<void> {
  server.maxConnections = 16
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new MillraceError('PROCESS_PORT_IN_USE', { port }, error) : error)
    })
    server.listen(port, host, resolve)
  })
}

function isLoopbackName({ headers }: IncomingMessage): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(headers.host ?? '')
}

function authorisation({ name, passwordFile }: { name: string; passwordFile: string }): Buffer {
  const password = readFileSync(passwordFile, 'utf8').split('\n')[0]!.trimEnd()
  if (password.length < 8)
    throw new MillraceError('CONFIG_INVALID', { path: passwordFile, detail: 'the password has fewer than 8 characters' })
  return Buffer.from(`Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`)
}

function isSame(text: string, expected: Buffer): boolean {
  const given = Buffer.alloc(expected.length)
  const sent = Buffer.from(text)
  sent.copy(given)
  return timingSafeEqual(given, expected) && sent.length === expected.length
}
