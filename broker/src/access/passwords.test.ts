import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { closed, startTestBroker, type TestBroker } from '../testing/test-broker.ts'
import { passwordId } from './password.ts'
import { addPassword, addUser, allowFilters, retirePassword } from './provision.ts'
import { parseUsers } from './users-file.ts'

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker()
})
afterEach(() => broker.close())

const enter = (password: string, user = 'node') => broker.connect(user, { password })
const idsOf = async (user: string) =>
  parseUsers(await readFile(broker.usersFile, 'utf8'), 'users')
    .get(user)!
    .hashes.map(passwordId)
const invalid = { code: 'BROKER_USER_INVALID' }

test('two passwords are valid at once; the one that ends closes what was opened with it, and nothing else', async () => {
  const [old, neighbour] = [await broker.connect('node'), await broker.connect('other')]
  await addPassword(broker.usersFile, 'node', 'second')
  await broker.reloadUsers()
  const fresh = await enter('second')
  const stillOld = await broker.connect('node')
  expect([old, fresh, stillOld, neighbour].map(({ connected }) => connected)).toEqual([true, true, true, true])
  await expect(enter('third')).rejects.toMatchObject({ code: 4 })
  const gone = Promise.all([closed(old), closed(stillOld)])
  await retirePassword(broker.usersFile, 'node', { mayBeUnused: true })
  await broker.reloadUsers()
  await gone
  expect([fresh.connected, neighbour.connected]).toEqual([true, true])
  await expect(broker.connect('node')).rejects.toMatchObject({ code: 4 })
  await expect(enter('second')).resolves.toMatchObject({ connected: true })
  expect(broker.stats().refused).toEqual({ 'bad-credentials': 2, 'credentials-changed': 2 })
})

test('the newer one can be taken back', async () => {
  await addPassword(broker.usersFile, 'node', 'second')
  await broker.reloadUsers()
  const [old, fresh] = [await broker.connect('node'), await enter('second')]
  const gone = closed(fresh)
  const [, id] = await idsOf('node')
  await retirePassword(broker.usersFile, 'node', { id: id!, mayBeUnused: true })
  await broker.reloadUsers()
  await gone
  expect(old.connected).toBe(true)
})

test('none ends before the one that stays was used, unless that is said', async () => {
  await broker.connect('node')
  await addPassword(broker.usersFile, 'node', 'second')
  await broker.reloadUsers()
  await expect(retirePassword(broker.usersFile, 'node', { mayBeUnused: false })).rejects.toMatchObject(invalid)
})

test('a third, one of a stranger, and an id that is none are refused', async () => {
  const { usersFile: file } = broker
  await expect(addPassword(file, 'nobody', 'x')).rejects.toMatchObject(invalid)
  await expect(retirePassword(file, 'node', { mayBeUnused: true })).rejects.toMatchObject(invalid)
  await addPassword(file, 'node', 'second')
  await expect(addPassword(file, 'node', 'third')).rejects.toMatchObject(invalid)
  await expect(retirePassword(file, 'node', { id: '00', mayBeUnused: true })).rejects.toMatchObject(invalid)
})

test('filters of a host change and both passwords stay; a new password in their place ends both', async () => {
  const { usersFile: file } = broker
  await addPassword(file, 'host', 'second')
  const before = await idsOf('host')
  await allowFilters(file, 'host', ['lab/#'])
  expect(await idsOf('host')).toEqual(before)
  await broker.reloadUsers()
  const clients = [await broker.connect('host'), await enter('second', 'host')]
  const gone = Promise.all(clients.map(closed))
  await addUser(file, { name: 'host', password: 'only', role: 'host', args: ['millrace'] })
  await broker.reloadUsers()
  await gone
})

test.each(['AAAA,AAAA:BBBB', 'A,A,A:B,B,B'])('salts and hashes that do not go together are refused: %s', (pair) => {
  const long = pair.replaceAll('A', 'A'.repeat(24)).replaceAll('B', 'B'.repeat(24))
  expect(() => parseUsers(`a:scrypt:16:1:1:${long}:admin`, 'f')).toThrow(/BROKER_USERS_INVALID/)
})
