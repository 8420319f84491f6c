/** Requests to the engine, by the client's transport: one at a time where it matters, and none is ever tried again in here. */
import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import { HttpError, InfluxDB, type SendOptions } from '@influxdata/influxdb-client'
import { isClearText, isLoopback, MillraceError, readSecret } from '@millrace/platform'
import type { InfluxStoreConfig } from './config.ts'

export interface Engine {
  readonly config: InfluxStoreConfig
  /** The client, for what it does well: questions in Flux. */
  readonly client: InfluxDB
  /** A question, or an order that is none of the hot path: the body of the answer. @throws HttpFailure when it says no, Error when it says nothing */
  request(method: 'GET' | 'POST' | 'PATCH', path: string, body?: string, headers?: Record<string, string>): Promise<string>
  /** Points. @throws as `request` */
  write(path: string, lines: Buffer): Promise<void>
  close(): void
}

/** The engine's no. */
export class HttpFailure extends Error {
  readonly status: number
  readonly body: string
  constructor(status: number, body: string, cause?: unknown) {
    super(`${status} ${body.slice(0, 500)}`, { cause })
    this.status = status
    this.body = body
  }
}

/** Bodies above this are compressed on their way to another machine; on loopback that only costs. */
const gzipAbove = 1000

/** @throws MillraceError STORE_INSECURE, CONFIG_INVALID */
export function createEngine(config: InfluxStoreConfig): Engine {
  const { hostname, protocol } = new URL(config.url)
  const isLocal = isLoopback(hostname)
  if (isClearText(config.url) && !config.insecure) throw new MillraceError('STORE_INSECURE', { url: config.url })
  const options = { keepAlive: true, maxSockets: 8, ...(config.caFile ? { ca: readFileSync(config.caFile) } : {}) }
  const agent = protocol === 'https:' ? new TlsAgent(options) : new Agent(options)
  const token = config.tokenFile === undefined ? config.token : readSecret(config.tokenFile, 'store.tokenFile')
  const clientFor = (timeout: number) =>
    new InfluxDB({
      url: config.url.replace(/\/$/, ''),
      ...(token ? { token } : {}),
      timeout,
      transportOptions: { agent },
      writeOptions: { maxRetries: 0 },
    })
  const asking = clientFor(config.questionMs)
  const writing = clientFor(config.requestMs)
  const gzipThreshold = isLocal ? Number.MAX_SAFE_INTEGER : gzipAbove
  return {
    config,
    client: asking,
    request: (method, path, body = '', headers = {}) => send(asking, path, body, { method, headers, gzipThreshold }),
    async write(path, lines) {
      const headers = { 'content-type': 'text/plain; charset=utf-8' }
      await send(writing, path, lines, { method: 'POST', headers, gzipThreshold })
    },
    close: () => agent.destroy(),
  }
}

/** Not the client's `request`, which parses by the content type: some answers are lines of JSON. */
async function send({ transport }: InfluxDB, path: string, body: string | Buffer, options: SendOptions): Promise<string> {
  try {
    const chunks: Uint8Array[] = []
    for await (const chunk of transport.iterate(path, body, options)) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  } catch (cause) {
    if (cause instanceof HttpError) throw new HttpFailure(cause.statusCode, cause.body ?? '', cause)
    throw cause
  }
}
