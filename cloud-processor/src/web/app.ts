/** The listener of the page: every request passes the guard, also those for which fastify looks for no route. */
import type { AddressInfo } from 'node:net'
import { createHttpServer, type Log, type Metrics, MillraceError } from '@millrace/platform'
import fastify, { type FastifyInstance } from 'fastify'
import { createGuard, securityHeaders } from './access.ts'
import type { WebConfig } from './config.ts'
import { createAnswerError } from './errors.ts'
import type { Identities } from './identity.ts'
import type { OpenAnswers } from './open-answers.ts'
import { rightOf } from './routes.ts'

/** Besides the live ones: pages being loaded, API, probes. */
const connectionsBeside = 256

interface AppParts {
  log: Log
  metrics: Metrics
  identities: Identities
  openAnswers: OpenAnswers
}

export function createApp(config: WebConfig, { log, metrics, identities, openAnswers }: AppParts): FastifyInstance {
  const refused = metrics.counter(
    'millrace_web_connections_refused_total',
    'Connections that were closed because there was no room',
  )
  const listener = {
    tls: config.tls,
    headers: securityHeaders,
    connectionsMax: config.viewersMax + connectionsBeside,
    refused: () => refused.add({}),
  }
  const answer = createAnswerError({ log, metrics })
  const app: FastifyInstance = fastify({
    bodyLimit: 16_384,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 512 },
    serverFactory: (handle) => createHttpServer(listener, handle),
    // The server has answered.
    clientErrorHandler: () => {},
    frameworkErrors: (error, request, reply) =>
      void guard(request, reply)
        .then(() => error)
        .catch((refusal) => refusal)
        .then((fault) => answer(fault, request, reply)),
  })
  const guard = createGuard(config, { identities, openAnswers, port: () => portOf(app) ?? config.port })
  app.decorateRequest('identity', undefined)
  app.addHook('onRoute', ({ method, url, config: own }) => {
    for (const each of [method].flat()) rightOf(each, url, own?.isPage === true)
  })
  app.addHook('onRequest', guard)
  app.setErrorHandler(answer)
  app.setNotFoundHandler((request) => {
    throw new MillraceError('WEB_UNKNOWN', { what: `page ${request.url.slice(0, 100)}` })
  })
  return app
}

/** Undefined until it listens. */
export function portOf({ server }: FastifyInstance): number | undefined {
  return (server.address() as AddressInfo | null)?.port
}
