/**
 * Accounts and the audit trail, for an admin. Each change names who made it, and why where it is said.
 *
 *   GET  /api/accounts                                     [{name, role, scope, isInvited, sessions}]
 *   POST /api/accounts {name, role, scope?, reason?}       {link}: the path under which its password is set, once
 *   POST /api/accounts/change {name, role?, scope?, reason?}
 *   POST /api/accounts/link {name, reason?}                {link}: for a new password
 *   POST /api/accounts/end-sessions {name, reason?}        {ended}
 *   POST /api/accounts/remove {name, reason?}
 *   GET  /api/audit?limit&below                            the newest first; `below`: only entries with a lower id
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type Actor, type People, roles } from '../people/index.ts'
import { identityOf } from './access.ts'
import { check } from './query.ts'
import type { AccountView } from './wire.ts'

const name = z.string().trim().min(1).max(100)
const reason = z.string().trim().max(1000).optional()
const role = z.enum(roles)
const scope = z.array(z.string().max(300)).max(50)
const about = z.strictObject({ name, reason })
const auditQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  below: z.coerce.number().int().min(1).optional(),
})

const linkPath = (token: string) => ({ link: `/#/link/${token}` })

export function accountRoutes(app: FastifyInstance, people: People): void {
  const order = <Body extends { reason?: string | undefined }>(
    path: string,
    schema: z.ZodType<Body>,
    act: (body: Body, actor: Actor) => object,
  ) =>
    app.post(`/api/accounts${path}`, async (request) => {
      const body = check(schema, request.body, 'WEB_BODY') as Body
      return act(body, { by: identityOf(request).name, reason: body.reason })
    })

  app.get(
    '/api/accounts',
    async (): Promise<AccountView[]> =>
      people.list().map(({ changedMs, ...account }) => ({ ...account, sessions: people.sessions.of(account.name).length })),
  )
  order('', about.extend({ role, scope: scope.default([]) }), (body, actor) => linkPath(people.add(body, actor)))
  order('/change', about.extend({ role: role.optional(), scope: scope.optional() }), (body, actor) => {
    people.change(body.name, body, actor)
    return { changed: true }
  })
  order('/link', about, (body, actor) => linkPath(people.link(body.name, actor)))
  order('/end-sessions', about, (body, actor) => ({ ended: people.endSessions(body.name, actor) }))
  order('/remove', about, (body, actor) => {
    people.remove(body.name, actor)
    return { removed: true }
  })

  app.get('/api/audit', async ({ query }) => {
    const { limit, below } = check(auditQuery, query)
    return people.trail(limit, below)
  })
}
