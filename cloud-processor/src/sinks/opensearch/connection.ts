/**
 * The client, and what is put around it. Its own retries are off: who asks decides. Its time-out watches a socket only until an
 * answer begins, so our own deadline ends a request whose answer stops half way.
 */
import { readFileSync } from 'node:fs'
import { type Clock, MillraceError, readSecret } from '@millrace/platform'
import type { OpenSearchConfig } from './config.ts'

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: what it holds depends on what was asked.
  body: any
}

export interface Connection {
  /** A text is sent as lines of JSON. Resolves with whatever status the answer has. @throws MillraceError STORE_WRITE when there is none. */
  request(method: 'HEAD' | 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: object | string): Promise<Answer>
  close(): Promise<void>
}

/** The client is loaded when it is wanted: a processor without a document store need not carry it. */
export async function connect(config: OpenSearchConfig, clock: Clock): Promise<Connection> {
  const { Client, errors } = await import('@opensearch-project/opensearch')
  const client = new Client({
    nodes: config.nodes,
    maxRetries: 0,
    requestTimeout: config.timeoutMs,
    resurrectStrategy: 'none',
    ...(config.caFile === undefined ? {} : { ssl: { ca: readFileSync(config.caFile) } }),
  })
  return {
    async request(method, path, body) {
      const content = typeof body === 'string' ? { bulkBody: body } : body === undefined ? {} : { body }
      let cancelDeadline = () => {}
      try {
        const call = client.transport.request({ method, path, ...content }, { headers: authorization(config) })
        cancelDeadline = clock.after(config.timeoutMs, () => call.abort())
        const { statusCode, body: answer } = await call
        return { status: statusCode ?? 0, body: answer }
      } catch (cause) {
        if (cause instanceof errors.ResponseError) return { status: cause.statusCode ?? 0, body: cause.body }
        const detail = `${(cause as Error).name}: ${(cause as Error).message}`
        throw new MillraceError('STORE_WRITE', { path: nameOf(config), detail }, cause)
      } finally {
        cancelDeadline()
      }
    },
    close: () => client.close(),
  }
}

/** For people: the first node and how many there are, without a password that somebody put into its URL. */
export function nameOf({ nodes }: Pick<OpenSearchConfig, 'nodes'>): string {
  const { origin } = new URL(nodes[0]!)
  return nodes.length === 1 ? origin : `${origin} and ${nodes.length - 1} more`
}

/** What an answer says is wrong. */
export function reasonOf({ status, body }: Answer): string {
  const error = body?.error
  const text = typeof error === 'object' ? `${error?.type}: ${error?.reason}` : typeof error === 'string' ? error : ''
  return `HTTP ${status}${text === '' ? '' : ` ${text}`}`.slice(0, 300)
}

function authorization({ username, passwordFile, apiKeyFile }: OpenSearchConfig): Record<string, string> {
  if (apiKeyFile !== undefined) return { authorization: `ApiKey ${readSecret(apiKeyFile, 'documents.apiKeyFile')}` }
  if (username === undefined) return {}
  const password = passwordFile === undefined ? '' : readSecret(passwordFile, 'documents.passwordFile')
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
}
