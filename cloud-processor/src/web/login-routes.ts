/**
 *   POST /api/login {name, password}         begins a session, by a cookie
 *   POST /api/logout                         ends it
 *   GET  /api/me                             {name, role, scope, by}: who this is, and how it was let in
 *   GET  /api/link?link                      {name?}: whose link this is; without a name it makes the first admin
 *   POST /api/link {link, name?, password}   opens it, once, and begins a session
 */
import { MillraceError } from '@millrace/platform'
import { stringifySetCookie } from 'cookie'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import type { People } from '../people/index.ts'
import { createHoldBack, identityOf } from './access.ts'
import type { WebConfig } from './config.ts'
import { cookieName, type Identities } from './identity.ts'
import { check } from './query.ts'
import type { Me } from './wire.ts'

const loginBody = z.strictObject({ name: z.string().min(1).max(100), password: z.string().min(1).max(1000) })
const link = z.string().min(1).max(100)
const linkQuery = z.strictObject({ link })
const linkBody = z.strictObject({ link, name: z.string().trim().max(100).optional(), password: z.string().max(1000) })

interface LoginParts {
  config: WebConfig
  people: People
  identities: Identities
}

export function loginRoutes(app: FastifyInstance, { config, people, identities }: LoginParts): void {
  const holdBack = createHoldBack()
  const cookie = (value: string, maxAge?: number) =>
    stringifySetCookie({
      ...{ name: cookieName(config), value, path: '/', httpOnly: true, sameSite: 'strict', secure: config.tls !== undefined },
      ...(maxAge === undefined ? {} : { maxAge }),
    })
  const begin = (reply: FastifyReply, name: string) => {
    people.audit({ by: name, action: 'session.begin', target: name })
    return reply.header('set-cookie', cookie(people.begin(name))).send({ name })
  }

  app.post('/api/login', async (request, reply) => {
    const { name, password } = check(loginBody, request.body, 'WEB_BODY')
    const identity = await identities.prove(name, password, request)
    if (identity?.kind === 'password') return begin(reply, identity.name)
    if (identity)
      throw new MillraceError('WEB_BODY', {
        detail: `name: ${name} is for programs, and has no session; log in with an account.`,
      })
    await holdBack(request, reply)
    throw new MillraceError('WEB_LOGIN')
  })

  app.post('/api/logout', async (request, reply) => {
    const { session } = identityOf(request)
    if (session !== undefined) people.end(session)
    return reply.header('set-cookie', cookie('', 0)).send({ ended: session !== undefined })
  })

  app.get('/api/me', async (request): Promise<Me> => {
    const { name, role, filters, kind } = identityOf(request)
    return { name, role, scope: filters, by: kind }
  })

  app.get('/api/link', async ({ query }) => ({ name: people.linkFor(check(linkQuery, query).link) }))
  app.post('/api/link', async ({ body }, reply) => {
    const { link, name, password } = check(linkBody, body, 'WEB_BODY')
    return begin(reply, await people.open(link, { name, password }))
  })
}
