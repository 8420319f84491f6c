/**
 * Route × role × scope over the real page, by the table of testing/rights.ts. A route that is missing there fails the test.
 */

import { silentLog, systemClock } from '@millrace/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Gateways } from '../gateways/index.ts'
import { People, roles } from '../people/index.ts'
import { listedRoutes } from './routes.ts'
import { emptyEventLog } from './testing/event-log.ts'
import { expected, type Sees, table, type Who } from './testing/rights.ts'
import { alarm, ask, hourStore, readings, spo2Rules, startMs, startWeb, watch } from './testing/web.ts'

const scopes: Record<Sees, string[]> = { whole: [], own: ['gateway-1/#'], other: ['gateway-2/#', '+/+/+/bed-9'] }
const password = 'correct horse battery'

let page: Awaited<ReturnType<typeof startWeb>>
const people = new People(':memory:', systemClock)
const gateways = new Gateways({
  ...{ path: ':memory:', host: 'millrace', send() {}, isAuthenticated: true, clock: systemClock, log: silentLog },
})
const names: string[] = []

beforeAll(async () => {
  await people.open(people.firstLink(), { name: 'admin-whole', password })
  for (const role of roles)
    for (const sees of Object.keys(scopes) as Sees[]) {
      if (role === 'admin') continue
      names.push(`${role}-${sees}`)
      await people.open(people.add({ name: `${role}-${sees}`, role, scope: scopes[sees] }, { by: 'test' }), { password })
    }
  names.push('admin-whole')
  page = await startWeb({ people, gateways, eventLog: emptyEventLog, store: hourStore(), rules: spo2Rules })
  page.web.onTimeline([readings(startMs, 97)])
  page.web.onAlarms([alarm()])
})
afterAll(async () => {
  await page.web.close()
  gateways.close()
})

/** A cookie of a new session; none for a stranger. */
const cookieOf = (name: string): Record<string, string> =>
  name === 'stranger' ? {} : { cookie: `millrace=${people.begin(name)}` }

async function answer(route: string, name: string, more: Record<string, string> = {}) {
  const [method, url] = route.split(' ') as [string, string]
  const { path = url, body } = table[route]!
  const headers = { origin: page.url, 'content-type': 'application/json', ...cookieOf(name), ...more }
  if (route === 'GET /api/live') return openAndClose(path, headers)
  return ask(page.web.port, path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
}

async function openAndClose(path: string, headers: Record<string, string>): Promise<{ code: number; body: string }> {
  const live = await watch(page.url + path, headers)
  live.close()
  return { code: live.response.status, body: '' }
}

it('names every route', () => {
  expect(Object.keys(table).toSorted()).toEqual(listedRoutes.toSorted())
})

describe.each(Object.entries(table))('%s', (route, row) => {
  it('lets in who may, and nobody else', async () => {
    const found: string[] = []
    const wanted: string[] = []
    for (const name of ['stranger', ...names]) {
      const [who, sees = 'whole'] = name.split('-') as [Who, Sees]
      const { code, isEmpty } = expected(row, who, sees)
      const got = await answer(route, name)
      wanted.push(`${name} ${code}${isEmpty ? ' empty' : ''}`)
      found.push(`${name} ${got.code}${isEmpty && got.body === '[]' ? ' empty' : ''}`)
    }
    expect(found).toEqual(wanted)
  })

  it.runIf(route.startsWith('POST'))('takes a change from this page only', async () => {
    const admin = 'admin-whole'
    expect((await answer(route, admin, { origin: 'https://evil.example' })).code).toBe(403)
    expect((await answer(route, admin, { 'content-type': 'text/plain' })).code).toBe(403)
  })

  it.runIf(row.from !== 'everybody' && row.unseen !== 404)('says nothing of a device to who does not see it', async () => {
    const { body } = await answer(route, 'viewer-other')
    expect(body).not.toContain('oximeter-1')
  })
})
