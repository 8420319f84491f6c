/** Errors as JSON `{ code, error }`: the catalogue's text for those that a client can mend, and no more than that for the rest. */
import { type ErrorCode, type Log, type Metrics, MillraceError } from '@millrace/platform'
import type { FastifyReply, FastifyRequest } from 'fastify'

const statusCodes: Partial<Record<ErrorCode, number>> = {
  PEOPLE_INVALID: 400,
  PEOPLE_LAST_ADMIN: 409,
  PEOPLE_UNKNOWN: 404,
  REGISTRY_LOADING: 503,
  REGISTRY_REFUSED: 409,
  STORE_ANSWER_TOO_LARGE: 400,
  WEB_AUTHENTICATION: 401,
  WEB_BODY: 400,
  WEB_FORBIDDEN: 403,
  WEB_FOREIGN_HOST: 421,
  WEB_FOREIGN_ORIGIN: 403,
  WEB_LINK: 410,
  WEB_LOGIN: 401,
  WEB_LOGIN_THROTTLED: 429,
  WEB_QUERY: 400,
  WEB_TRIALS: 503,
  WEB_UNKNOWN: 404,
  WEB_VIEWERS: 503,
}

/** What answers an error. */
export type AnswerError = (thrown: Error & { statusCode?: number }, request: FastifyRequest, reply: FastifyReply) => FastifyReply

export function createAnswerError({ log, metrics }: { log: Log; metrics: Metrics }): AnswerError {
  const errors = metrics.counter('millrace_web_errors_total', 'Requests that were refused or failed')
  return (thrown, request, reply) => {
    const error = asMillrace(thrown)
    errors.add({ code: error.code })
    if (error.code === 'WEB_FAILED') log.error('request failed', { url: request.url, error: thrown })
    if (statusCodes[error.code] === 503) reply.header('retry-after', '5')
    return reply.code(statusCodes[error.code] ?? 500).send({ code: error.code, error: error.message })
  }
}

/** What fastify refuses by itself (a body too large, broken JSON) is the client's fault too. */
function asMillrace(thrown: Error & { statusCode?: number }): MillraceError {
  if (thrown instanceof MillraceError && thrown.code in statusCodes) return thrown
  if (thrown.statusCode !== undefined && thrown.statusCode < 500)
    return new MillraceError('WEB_BODY', { detail: `${thrown.message}.` }, thrown)
  return new MillraceError('WEB_FAILED', {}, thrown)
}
