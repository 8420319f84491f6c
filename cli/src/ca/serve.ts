/**
 * `millrace ca serve`: the endpoint where gateways get and renew their certificates (contract/src/enrolment.ts). It is the one process
 * with the authority's key; why it is neither the broker nor the page: docs/decisions/0025-certificates.md.
 */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import {
  type EnrolmentRefusal,
  type EnrolRequest,
  enrolSchema,
  type RenewRequest,
  renewSchema,
} from '@millrace/contract/enrolment'
import { type Clock, createHttpServer, every, type Log, listenFailure, ownValue } from '@millrace/platform'
import type { z } from 'zod'
import { authorityIn } from './authority.ts'
import type { CaConfig } from './config.ts'
import { type EnrolContext, enrol, renew } from './enrol.ts'
import { writeLists } from './lists.ts'
import type { Known, Register } from './register.ts'

const bodyBytesMax = 16_384
const connectionsMax = 64
/** How often a change by the command line is looked for, and how often the lists are written again without one. */
const lookMs = 250
const againMs = 86_400_000

export interface Endpoint {
  port: number
  close(): Promise<void>
}

export interface EndpointContext {
  dir: string
  register: Register
  clock: Clock
  log: Log
}

/** @throws MillraceError PROCESS_PORT_IN_USE */
export async function serveCa(config: CaConfig, context: EndpointContext): Promise<Endpoint> {
  const { certificateDays, graceDays, listen, tls } = config
  const stopLists = await keepLists(context)
  const enrolContext = { ...context, certificateDays, graceDays }
  const server = createHttpServer({ tls, headers: { 'cache-control': 'no-store' }, connectionsMax }, (request, response) => {
    answer(request, response, enrolContext).catch((error) => {
      context.log.error('a request for a certificate', { error })
      send(response, 500, {})
    })
  })
  const port = await bind(server, listen)
  return {
    port,
    async close() {
      stopLists()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

async function bind(server: Server, { host, port }: CaConfig['listen']): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenFailure(error, port)))
    server.listen({ host, port }, resolve)
  })
  return (server.address() as AddressInfo).port
}

/** Written at the start, and again when the command line was ended before it wrote them. */
async function keepLists({ dir, register, clock, log }: EndpointContext): Promise<() => void> {
  const write = () => writeLists(dir, register)
  let version = register.version()
  let writtenMs = clock.monotonic()
  await write()
  return every(clock, lookMs, () => {
    const isDue = register.version() !== version || clock.monotonic() - writtenMs > againMs
    if (!isDue) return
    version = register.version()
    writtenMs = clock.monotonic()
    write().catch((error) => log.error('the lists of revoked certificates', { error }))
  })
}

const schemas = { 'POST /enrol': enrolSchema, 'POST /renew': renewSchema }

async function answer(request: IncomingMessage, response: ServerResponse, context: EnrolContext & { log: Log }): Promise<void> {
  const route = `${request.method} ${request.url}`
  if (route === 'GET /ca') return send(response, 200, { certificate: readFileSync(authorityIn(context.dir).certFile, 'utf8') })
  const asked: z.ZodType<EnrolRequest | RenewRequest> | undefined = ownValue(schemas, route)
  if (!asked) return send(response, 404, {})
  const body = await read(request, asked)
  if (!body) return send(response, 400, {})
  const given = 'secret' in body ? await enrol(body, context) : await renew(body, context)
  tell(route, given, request.socket.remoteAddress, context.log)
  if (typeof given === 'string') return send(response, 403, { refused: given })
  send(response, 200, { certificate: given.certificate })
}

/** What people look for afterwards: who was given what, and who was refused. No secret is in it. */
function tell(route: string, given: Known | EnrolmentRefusal, address: string | undefined, log: Log): void {
  if (typeof given === 'string') return log.warn('no certificate given', { route, address, reason: given })
  const { name, serial, untilMs } = given
  log.info('certificate given', { route, address, name, serial, until: new Date(untilMs).toISOString() })
}

/** Undefined: it is not what was expected, or too much. */
async function read<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T | undefined> {
  if (!(Number(request.headers['content-length']) <= bodyBytesMax)) return undefined
  return schema.safeParse(await json(request).catch(() => undefined)).data
}

function send(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
