/** What ends a session, on the next request and on a live view that is open. */
import { request } from 'node:https'
import { password, type Scene } from './scene.ts'
import { type Check, clauses, type Group, unlike } from './sheet.ts'

const endMsMax = 1000

/** Whose session ends, by what an admin or it itself does. */
const endings: { what: string; act(scene: Scene, name: string, cookies: { own: string; admin: string }): Promise<unknown> }[] = [
  { what: 'logout', act: (scene, _, { own }) => scene.ask('/api/logout', { body: {}, cookie: own }) },
  {
    what: 'a change of the role',
    act: (scene, name, { admin }) => scene.ask('/api/accounts/change', { body: { name, role: 'operator' }, cookie: admin }),
  },
  {
    what: 'a change of the scope',
    act: (scene, name, { admin }) => scene.ask('/api/accounts/change', { body: { name, scope: ['plain/a'] }, cookie: admin }),
  },
  {
    what: 'an admin who ends the sessions',
    act: (scene, name, { admin }) => scene.ask('/api/accounts/end-sessions', { body: { name }, cookie: admin }),
  },
  {
    what: 'a new password',
    async act(scene, name, { admin }) {
      const link = await linkOf(scene, '/api/accounts/link', { name }, admin)
      return scene.ask('/api/link', { body: { link, password: 'another horse battery' } })
    },
  },
  {
    what: 'removal of the account',
    act: (scene, name, { admin }) => scene.ask('/api/accounts/remove', { body: { name }, cookie: admin }),
  },
]

export const sessionsGroup: Group = {
  name: 'sessions',
  async run(scene, check) {
    const admin = await scene.login('admin-whole')
    for (const [at, { what, act }] of endings.entries()) {
      const name = `leaving-${at}`
      await invite(scene, name, admin)
      const own = await scene.login(name)
      const { closed } = await openLive(scene, own)
      await act(scene, name, { own, admin })
      const endedMs = performance.now()
      const closedMs = await Promise.race([
        closed,
        new Promise<number>((resolve) => setTimeout(resolve, 4000, Number.POSITIVE_INFINITY)),
      ])
      check(
        clauses.authentication,
        `${what} ends the live view`,
        closedMs - endedMs > endMsMax && `${Math.round(closedMs - endedMs)} ms later`,
      )
      const after = await scene.ask('/api/me', { cookie: own })
      check(clauses.authentication, `${what} ends the session`, after.code !== 401 && `${after.code} ${after.body}`)
    }
    await links(scene, check, admin)
    await trail(scene, check, admin)
  },
}

async function linkOf(scene: Scene, path: string, body: object, cookie: string): Promise<string> {
  const answer = await scene.ask(path, { body, cookie })
  return /#\/link\/([\w-]+)/.exec(answer.body)?.[1] ?? answer.body
}

async function invite(scene: Scene, name: string, admin: string): Promise<string> {
  const link = await linkOf(scene, '/api/accounts', { name, role: 'viewer' }, admin)
  await scene.ask('/api/link', { body: { link, password } })
  return link
}

/** Resolves once it is open. */
async function openLive(scene: Scene, cookie: string): Promise<{ closed: Promise<number> }> {
  const { ports, ca } = await scene.installation()
  const headers = { host: `localhost:${ports.web}`, cookie }
  const sent = request({
    host: '127.0.0.1',
    servername: 'localhost',
    port: ports.web,
    ca,
    path: '/api/live',
    headers,
    agent: false,
  })
  const { promise, resolve, reject } = Promise.withResolvers<{ closed: Promise<number> }>()
  sent.on('error', reject).on('response', (response) => {
    const closed = new Promise<number>((done) => response.on('error', () => {}).once('close', () => done(performance.now())))
    if (response.statusCode === 200) resolve({ closed })
    else reject(new Error(`the live view answers ${response.statusCode}`))
    response.resume()
  })
  sent.end()
  return promise
}

async function links(scene: Scene, check: Check, admin: string): Promise<void> {
  const used = await invite(scene, 'linked', admin)
  const again = await scene.ask('/api/link', { body: { link: used, password: 'a thief has this one' } })
  check(clauses.authentication, 'a link for a password is good once', unlike(`${again.code} ${again.body}`, /^410 .*WEB_LINK/))
  const guessed = await scene.ask('/api/link', { body: { link: 'A'.repeat(43), password } })
  check(clauses.authentication, 'a guessed link opens nothing', unlike(`${guessed.code} ${guessed.body}`, /^410 .*WEB_LINK/))
  const ofRemoved = await linkOf(scene, '/api/accounts', { name: 'gone', role: 'viewer' }, admin)
  await scene.ask('/api/accounts/remove', { body: { name: 'gone' }, cookie: admin })
  const late = await scene.ask('/api/link', { body: { link: ofRemoved, password } })
  check(
    clauses.authentication,
    'the link of a removed account opens nothing',
    unlike(`${late.code} ${late.body}`, /^410 .*WEB_LINK/),
  )
}

async function trail(scene: Scene, check: Check, admin: string): Promise<void> {
  const last = await scene.ask('/api/accounts/change', { body: { name: 'admin-whole', role: 'viewer' }, cookie: admin })
  check(clauses.functions, 'the last admin cannot lose the role', unlike(`${last.code} ${last.body}`, /^409 .*PEOPLE_LAST_ADMIN/))
  const { body } = await scene.ask('/api/audit?limit=200', { cookie: admin })
  const actions = [
    'account.add',
    'account.role',
    'account.scope',
    'account.remove',
    'account.end-sessions',
    'account.password',
    'session.begin',
  ]
  const missing = actions.filter((action) => !body.includes(`"${action}"`))
  check(
    clauses.audit,
    'the audit trail has each change of an account, and who made it',
    missing.length > 0 ? `without ${missing.join(', ')}` : unlike(body, /"by":"admin-whole"/),
  )
}
