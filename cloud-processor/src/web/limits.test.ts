import { systemClock } from '@millrace/platform'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { People } from '../people/index.ts'
import { alarm, ask, hourStore, readings, spo2Rules, startMs, startWeb } from './testing/web.ts'
import type { LimitTrial } from './wire.ts'

const people = new People(':memory:', systemClock)
const password = 'correct horse battery'
let page: Awaited<ReturnType<typeof startWeb>>

beforeAll(async () => {
  await people.open(people.firstLink(), { name: 'admin', password })
  for (const role of ['operator', 'engineer'] as const)
    await people.open(people.add({ name: role, role, scope: [] }, { by: 'test' }), { password })
  const scope = ['gateway-1/#']
  await people.open(people.add({ name: 'nurse', role: 'operator', scope }, { by: 'test' }), { password })
  page = await startWeb({ people, rules: spo2Rules })
  page.web.onTimeline([readings(startMs, 97)])
})
afterAll(() => page.web.close())

const order = { rule: 'spo2-low', devices: ['oximeter-1'], keys: { set: 84 }, reason: 'COPD' }
const hourMs = 3_600_000

async function post(name: string, path: string, body: object) {
  const headers = { origin: page.url, 'content-type': 'application/json', cookie: `millrace=${people.begin(name)}` }
  const { code, body: text } = await ask(page.web.port, `/api/limits${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  return { ...(JSON.parse(text) as { error?: string; id?: string }), code }
}
const limits = async (name: string) => {
  const { body } = await ask(page.web.port, '/api/limits', { headers: { cookie: `millrace=${people.begin(name)}` } })
  return JSON.parse(body) as { limits: { id: string }[]; rules: object[]; msMax: number }
}
const told = (id: string, untilMs?: number, devices = ['oximeter-1']) =>
  alarm({
    id: `${id}/l`,
    device: '*',
    change: 'limit-set',
    active: false,
    limit: { devices, keys: { set: 84 }, ...(untilMs ? { untilMs } : {}) },
  })

it('takes a limit until a time from an operator, within web.limitMsMax, and from an engineer for longer and for good', async () => {
  const untilMs = Date.now() + hourMs
  const later = { ...order, untilMs: Date.now() + 9 * hourMs }
  expect(await post('operator', '', { ...order, id: 'mine', untilMs })).toMatchObject({ code: 202, id: 'mine' })
  expect(page.appended.at(-1)).toEqual({ type: 'limit', id: 'mine', ...order, untilMs, by: 'operator' })
  expect(await post('operator', '', later)).toMatchObject({
    code: 403,
    error: expect.stringContaining('for more than 8 h (web.limitMsMax)'),
  })
  expect((await post('engineer', '', later)).code).toBe(202)
  expect((await post('operator', '/permanent', order)).code).toBe(403)
  expect((await post('engineer', '/permanent', order)).code).toBe(202)
})

it('keeps who, why, and what it was before in the audit trail', async () => {
  await post('engineer', '/permanent', { ...order, id: 'kept' })
  const [entry] = people.trail(1)
  expect(entry).toMatchObject({
    action: 'limit.set',
    target: 'kept',
    by: 'engineer',
    reason: 'COPD',
    before: { keys: { set: 88 } },
  })
})

it('names what is wrong with a limit, and says what is possible', async () => {
  const untilMs = Date.now() + hourMs
  const errors = [
    [{ ...order, rule: 'none', untilMs }, 'there is no rule "none". Rules are spo2-low'],
    [
      { ...order, keys: { colour: 1 }, untilMs },
      'keys.colour: the condition below has no such limit. It has set, clear, delayOnMs, delayOffMs',
    ],
    [{ ...order, keys: { set: 84, clear: 80 }, untilMs }, 'clear must not be less than set'],
    [{ ...order, devices: undefined, untilMs }, 'name devices, subjects or groups'],
    [{ ...order, reason: ' ', untilMs }, 'reason'],
    [order, 'untilMs: say until when'],
    [{ ...order, untilMs: 1000 }, 'untilMs: 1000 is past'],
  ] as const
  for (const [body, error] of errors)
    expect(await post('engineer', '', body)).toMatchObject({ code: 400, error: expect.stringContaining(error) })
})

it('lists limits from their records until their time, and lets only an engineer end or replace a permanent one', async () => {
  page.web.onAlarms([told('short', Date.now() + hourMs), told('good'), told('over', 1000)])
  expect((await limits('operator')).limits.map(({ id }) => id)).toEqual(['short', 'good'])
  expect((await post('operator', '/end', { id: 'good' })).code).toBe(403)
  expect((await post('operator', '', { ...order, id: 'good', untilMs: Date.now() + hourMs })).code).toBe(403)
  expect((await post('operator', '/end', { id: 'over' })).code).toBe(404)
  expect((await post('operator', '/end', { id: 'short' })).code).toBe(202)
  expect((await post('engineer', '/end', { id: 'good' })).code).toBe(202)
  page.web.onAlarms([{ ...told('short'), change: 'limit-ended' }])
  expect((await limits('operator')).limits.map(({ id }) => id)).toEqual(['good'])
})

it('lets an account with a scope name devices that it sees, and no pattern, group or other device', async () => {
  const untilMs = Date.now() + hourMs
  expect((await post('nurse', '', { ...order, untilMs })).code).toBe(202)
  for (const whom of [
    { devices: ['oximeter-*'] },
    { devices: ['oximeter-1', 'bed-9'] },
    { subjects: ['bed-1'] },
    { groups: ['east'] },
  ])
    expect((await post('nurse', '', { ...order, devices: undefined, ...whom, untilMs })).code).toBe(403)
  page.web.onAlarms([told('other', untilMs, ['bed-9'])])
  expect((await limits('nurse')).limits.map(({ id }) => id)).not.toContain('other')
  expect((await post('nurse', '/end', { id: 'other' })).code).toBe(404)
  expect((await post('nurse', '', { ...order, id: 'other', untilMs })).code).toBe(403)
})

it('tries a limit over what is stored, and halves a stretch that has too many readings', async () => {
  const day = 86_400_000
  // Three falls to 85 an hour.
  const fall = (t: number) => (Math.floor(t / 1000) % 1200 < 30 ? 85 : 97)
  const every = (fromMs: number, toMs: number, limit: number) =>
    Array.from({ length: Math.min(limit, Math.floor((toMs - fromMs) / 1000)) }, (_, k) => fromMs + k * 1000)
  let firstMs = 0
  const store = {
    ...hourStore(),
    points: async ({ fromMs, toMs }: { fromMs: number; toMs: number }, limit = 1e9) => {
      const t = every(Math.ceil(Math.max(fromMs, firstMs) / 1000) * 1000, toMs, limit)
      return { t, v: t.map(fall) }
    },
    gaps: async () => [],
  }
  const own = await startWeb({ rules: spo2Rules, store })
  const ask = async (hours: number, keys: object) => {
    const headers = { origin: own.url, 'content-type': 'application/json' }
    const body = JSON.stringify({ rule: 'spo2-low', devices: ['oximeter-1'], keys, hours })
    return (await (await fetch(`${own.url}/api/limits/try`, { method: 'POST', headers, body })).json()) as LimitTrial
  }
  const found = await ask(24, { set: 84 })
  expect(found).toMatchObject({ devices: 1, tried: { alarms: 0 }, now: { alarms: expect.closeTo(72, -1) } })
  expect(found.toMs - found.fromMs).toBeGreaterThan(day - 2000)
  const long = await ask(168, { delayOnMs: 10_000 })
  expect(long.readings).toBeLessThanOrEqual(100_000)
  expect(long.toMs - long.fromMs).toBeLessThan(2 * day)
  expect(long.tried.alarms).toBe(long.now.alarms)
  firstMs = Date.now() - day / 24
  expect((await ask(168, { set: 84 })).now.perDay).toBeGreaterThan(40)
  expect(await ask(24, { colour: 1 })).toMatchObject({ code: 'WEB_BODY' })
  await own.web.close()
})
