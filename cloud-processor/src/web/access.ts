/**
 * Who may talk to the page: routes.ts says what each request takes, identity.ts whose it is. On loopback too: any site open in the same browser can send requests here, so
 * - the Host header must be a name of this page with its port (DNS rebinding ends here),
 * - a change needs this page's Origin and the content type application/json, which no plain form can send,
 * - answers forbid framing, sniffing and every source but this page.
 * Off loopback TLS is required as well, and a credential or `login: required`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Guesses, MillraceError, sourceOf } from '@millrace/platform'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { mayAct } from '../people/index.ts'
import type { WebConfig } from './config.ts'
import type { Identities, Identity } from './identity.ts'
import type { OpenAnswers } from './open-answers.ts'
import { type Right, rightOf } from './routes.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard on every route but those for which nobody needs to log in. */
    identity: Identity | undefined
  }
  interface FastifyContextConfig {
    /** A file of the page. */
    isPage?: boolean
  }
}

const loopbackNames = ['localhost', '127.0.0.1', '[::1]']

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const securityHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
}

/** What refuses a request, by rejecting. */
export type Guard = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/** The answer to a wrong password is held back for so long when its address has sent many. A right one is never held back. */
const wrongHeldMs = 1_000

interface GuardParts {
  identities: Identities
  openAnswers: OpenAnswers
  port(): number
}

export function createGuard(config: WebConfig, { identities, openAnswers, port }: GuardParts): Guard {
  const holdBack = createHoldBack()
  return async (request, reply) => {
    refuseForeignHost(request, config, port())
    const right = rightOfRequest(request)
    if (isForEverybody(right, identities)) return refuseChange(request, config)
    const identity = await identities.of(request)
    if (!identity) {
      if (request.headers.authorization !== undefined) await holdBack(request, reply)
      refuseStranger(request, reply)
    }
    refuseBeyond(right, identity)
    refuseChange(request, config)
    request.identity = identity
    // A change is short, and may end the session that it came by.
    if (request.method === 'GET') openAnswers.add(reply.raw, identity)
  }
}

/** Who asks, on a route that takes a login. */
export function identityOf({ identity }: FastifyRequest): Identity {
  if (!identity) throw new MillraceError('WEB_AUTHENTICATION')
  return identity
}

function rightOfRequest({ method, routeOptions }: FastifyRequest): Right {
  return rightOf(method, routeOptions?.url, routeOptions?.config?.isPage === true)
}

function isForEverybody({ role }: Right, identities: Identities): boolean {
  return role === 'probe' || role === 'login' || (role === 'page' && identities.isPageOpen())
}

function refuseBeyond({ role, tells }: Right, identity: Identity): void {
  const { name, role: own, scope } = identity
  const needed = role === 'page' || role === 'probe' || role === 'login' ? 'viewer' : role
  if (!mayAct(own, needed))
    throw new MillraceError('WEB_FORBIDDEN', { name, detail: `it takes the role ${needed}, and this is ${own}` })
  if (tells === 'whole' && !scope.isWhole)
    throw new MillraceError('WEB_FORBIDDEN', { name, detail: 'it takes an account that sees every device' })
}

function refuseChange(request: FastifyRequest, config: WebConfig): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') refuseForeignOrigin(request, config)
}

/** Holds back the answer to a wrong password when its address has sent many. */
export function createHoldBack(): Guard {
  const guesses = new Guesses()
  return async (request, reply) => {
    if (!guesses.take(sourceOf(request.ip))) await holdBack(reply)
  }
}

/** Closed afterwards: an address guesses as often a second as it has connections, and those are bounded. */
async function holdBack(reply: FastifyReply): Promise<void> {
  reply.header('connection', 'close')
  await sleep(wrongHeldMs, undefined, { ref: false })
}

function refuseForeignHost(request: FastifyRequest, { hosts, host: listen, tls }: WebConfig, port: number): void {
  const host = (request.headers.host ?? '').toLowerCase()
  const names = [...loopbackNames, ...(listen.includes(':') ? [`[${listen}]`] : [listen]), ...hosts]
  const bare = port === (tls ? 443 : 80)
  for (const name of names) {
    const full = /:\d+$/.test(name) ? name : `${name}:${port}`
    if (host === full.toLowerCase() || (bare && host === name.toLowerCase())) return
  }
  throw new MillraceError('WEB_FOREIGN_HOST', { host: host.slice(0, 100) || '(none)' })
}

function refuseForeignOrigin(request: FastifyRequest, { tls }: WebConfig): void {
  const { origin, host, 'content-type': type } = request.headers
  if (origin !== `${tls ? 'https' : 'http'}://${host}`) {
    throw new MillraceError('WEB_FOREIGN_ORIGIN', { detail: `origin ${origin?.slice(0, 100) ?? 'missing'}` })
  }
  if (type?.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
    throw new MillraceError('WEB_FOREIGN_ORIGIN', { detail: `content type ${type?.slice(0, 60) ?? 'missing'}` })
  }
}

/** A browser's own box for the password is for pages that it opens; a script of the page shows the login instead. */
function refuseStranger({ headers }: FastifyRequest, reply: FastifyReply): never {
  if (headers['sec-fetch-dest'] !== 'empty') reply.header('www-authenticate', 'Basic realm="Millrace", charset="UTF-8"')
  throw new MillraceError('WEB_AUTHENTICATION')
}
