/** Every route of the page for each role and scope, by the table of the page's own test, and changes that another site asks for. */
import { listedRoutes } from '../../../cloud-processor/src/web/routes.ts'
import { expected, type Sees, table, type Who } from '../../../cloud-processor/src/web/testing/rights.ts'
import type { Asked } from './ask.ts'
import { device, type Scene } from './scene.ts'
import { anyOf, type Check, clauses, type Group } from './sheet.ts'

/** It ends the session by which the others ask. */
const logout = 'POST /api/logout'
const routes = [...Object.keys(table).filter((route) => route !== logout), logout]
const isChange = (route: string) => !route.startsWith('GET')

export const rolesGroup: Group = {
  name: 'roles',
  async run(scene, check) {
    const missing = listedRoutes.filter((route) => !(route in table))
    check(clauses.inventory, `all ${listedRoutes.length} routes of the page are tried`, anyOf(missing))
    const { accounts } = await scene.installation()
    for (const who of ['stranger', 'viewer', 'operator', 'engineer', 'admin'] as Who[]) {
      const names = who === 'stranger' ? ['stranger'] : accounts.filter((name) => name.startsWith(who))
      const wholes = names.filter((name) => name === who || name.endsWith('-whole'))
      check(clauses.functions, `${who}: every route`, anyOf(await wrongFor(scene, wholes)))
      const scoped = names.filter((name) => !wholes.includes(name))
      if (scoped.length > 0) check(clauses.objects, `${who} with a scope: every route`, anyOf(await wrongFor(scene, scoped)))
    }
    await leaks(scene, check)
    await otherSites(scene, check)
  },
}

async function ask(scene: Scene, route: string, asked: Asked) {
  const [method, url] = route.split(' ') as [string, string]
  const { path = url, body } = table[route]!
  return scene.ask(path, { method, body, isOpenEnded: route === 'GET /api/live', ...asked })
}

/** Real processes hold other data than the table's ward: what is compared is who is refused, and who is told nothing. */
async function wrongFor(scene: Scene, names: string[]): Promise<string[]> {
  const wrong: string[] = []
  for (const name of names) {
    const [who, sees = 'whole'] = name.split('-') as [Who, Sees]
    const cookie = name === 'stranger' ? undefined : await scene.login(name)
    for (const route of routes) {
      const { code, isEmpty } = expected(table[route]!, who, sees)
      const got = await ask(scene, route, { cookie })
      const isUnseen = sees === 'other' && table[route]!.unseen === 404 && code === 404
      const isRight = [401, 403].includes(code) || isUnseen ? got.code === code : ![401, 403].includes(got.code) && got.code < 500
      if (!isRight || (isEmpty && got.body !== '[]')) wrong.push(`${name} ${route}: ${got.code} instead of ${code}`)
    }
  }
  return wrong
}

async function leaks(scene: Scene, check: Check): Promise<void> {
  const [seeing, blind] = [await scene.login('engineer-own'), await scene.login('engineer-other')]
  const shown = await scene.ask('/api/fleet', { cookie: seeing })
  check(clauses.objects, 'a scope shows its own devices', !shown.body.includes(device) && shown.body)
  const reads = routes.filter((route) => !isChange(route) && route !== 'GET /api/live' && !route.includes('accounts'))
  const told: string[] = []
  for (const route of reads) {
    const { code, body } = await ask(scene, route, { cookie: blind })
    if (code === 200 && body.includes(device)) told.push(route)
  }
  check(clauses.objects, `and says nothing of others, on ${reads.length} routes`, anyOf(told))
}

async function otherSites(scene: Scene, check: Check): Promise<void> {
  const cookie = await scene.login('admin-whole')
  const kinds: [string, Record<string, string | undefined>][] = [
    ['without Origin', { origin: undefined }],
    ['with a foreign Origin', { origin: 'https://evil.example' }],
    ['with the Origin null', { origin: 'null' }],
    ['as a plain form', { 'content-type': 'text/plain' }],
  ]
  for (const [what, headers] of kinds) {
    const wrong: string[] = []
    for (const route of routes.filter(isChange)) {
      const { code } = await ask(scene, route, { cookie, headers })
      if (code !== 403) wrong.push(`${route}: ${code}`)
    }
    check(clauses.misconfiguration, `a change ${what} is refused on every route`, anyOf(wrong))
  }
}
