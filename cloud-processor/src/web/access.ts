/**
 * Who may talk to the page. On loopback too: any site open in the same browser can send requests here, so
 * - the Host header must be a name of this page with its port (DNS rebinding ends here),
 * - a change needs this page's Origin and the content type application/json, which no plain form can send,
 * - answers forbid framing, sniffing and every source but this page.
 * Off loopback TLS and a credential are required as well.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { basicCheck, Guesses, MillraceError, sourceOf } from '@millrace/platform'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { WebConfig } from './config.ts'

/** Asked by service managers, which have no credential; they tell a bit each. */
const probes = ['/health', '/ready']
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

export function createGuard(config: WebConfig, port: () => number): Guard {
  const isCredential = config.credential && basicCheck(config.credential)
  const guesses = new Guesses()
  return async (request, reply) => {
    refuseForeignHost(request, config, port())
    const { authorization } = request.headers
    if (isCredential && !probes.includes(request.url) && !isCredential(authorization)) {
      if (authorization !== undefined && !guesses.take(sourceOf(request.ip))) await holdBack(reply)
      refuseStranger(reply)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') refuseForeignOrigin(request, config)
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

function refuseStranger(reply: FastifyReply): never {
  reply.header('www-authenticate', 'Basic realm="Millrace", charset="UTF-8"')
  throw new MillraceError('WEB_AUTHENTICATION')
}
