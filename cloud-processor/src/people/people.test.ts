import { scryptSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemClock } from '@millrace/platform'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { People } from './people.ts'
import { Scope } from './scope.ts'

const password = 'correct horse battery'
let folder: string
let nowMs = Date.UTC(2026, 10, 30)
const clock = { ...systemClock, now: () => nowMs }
let people: People
const path = () => join(folder, 'people.sqlite')

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-people-'))
  people = new People(path(), clock)
  await people.open(people.firstLink(), { name: 'Ada', password })
})
afterEach(() => {
  people.close()
  rmSync(folder, { recursive: true })
})

function alter(sql: string, ...values: string[]): unknown {
  const db = new DatabaseSync(path())
  try {
    return db.prepare(sql).get(...values)
  } finally {
    db.close()
  }
}

it('ends a session that was not used for 12 hours, and one of 7 days in any case', () => {
  const hour = 3_600_000
  const [idle, used] = [people.begin('Ada'), people.begin('Ada')]
  for (let k = 0; k < 7 * 24; k += 6) {
    expect(people.whose(used)?.account.name, `after ${k} h`).toBe('Ada')
    nowMs += 6 * hour
    if (k === 12) expect(people.whose(idle)).toBeUndefined()
  }
  nowMs += hour
  expect(people.whose(used)).toBeUndefined()
})

it('does not open a link after a day', async () => {
  const link = people.link('ada', { by: 'test' })
  nowMs += 25 * 3_600_000
  await expect(people.open(link, { password })).rejects.toMatchObject({ code: 'WEB_LINK' })
})

it('keeps a hash by scrypt right, and makes it argon2id at the next login', async () => {
  const salt = Buffer.from('0123456789abcdef')
  const key = scryptSync(password, salt, 32, { N: 4096, r: 8, p: 5 })
  alter('UPDATE accounts SET password = ?', `scrypt:4096:8:5:${salt.toString('base64')}:${key.toString('base64')}`)
  people.close()
  people = new People(path(), clock)
  expect((await people.prove('ada', password, ''))?.name).toBe('Ada')
  expect(alter('SELECT substr(password, 1, 10) AS begins FROM accounts')).toEqual({ begins: '$argon2id$' })
})

it('lets nothing in the trail be changed or removed', () => {
  expect(() => alter("UPDATE audit SET by = 'Eve'")).toThrow('the audit trail only grows')
  expect(() => alter('DELETE FROM audit')).toThrow('the audit trail only grows')
})

it.each([
  ['short', 'at least 10'],
  ['ada and more of it', undefined],
  ['x'.repeat(257), 'at most 256'],
])('judges the password %s', async (wanted, text) => {
  const opened = people.open(people.link('Ada', { by: 'test' }), { password: wanted })
  if (text === undefined) await opened
  else await expect(opened).rejects.toThrow(text)
})

it.each([
  ['ward-3/#', 'ward-3/gateway-1', 'bed-1', true],
  ['ward-3/#', 'ward-30/gateway-1', 'bed-1', false],
  ['ward-3/gateway-1/bed-1', 'ward-3/gateway-1', 'bed-1', true],
  ['ward-3/gateway-1/bed-1', 'ward-3/gateway-1', 'bed-10', false],
  ['+/+/bed-1', 'ward-3/gateway-1', 'bed-1', true],
  ['plain/lab-#', 'plain', 'lab-1', false],
  ['plain/+', 'plain', 'lab-1', true],
  ['#', undefined, 'bed-1', false],
])('the scope %s sees of node %s the device %s: %s', (filter, node, device, isSeen) => {
  expect(new Scope([filter], () => node).sees(device)).toBe(isSeen)
})
