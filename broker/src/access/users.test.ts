import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog, systemClock } from '@millrace/platform'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { testCost as cost } from '../testing/test-broker.ts'
import { Verifier } from './password.ts'
import { addUser, allowFilters, hasUser } from './provision.ts'
import { openUsers } from './users.ts'
import { parseUsers } from './users-file.ts'

let dir: string
let file: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-users-'))
  file = join(dir, 'users')
})
afterEach(() => rm(dir, { recursive: true }))

const text = () => readFile(file, 'utf8')

describe('adding a user', () => {
  test('makes a file that only its owner may read, one line a user, no password in it', async () => {
    await addUser(file, { name: 'bed1', password: 'swordfish', role: 'node', args: ['ward/bed1'], cost })
    expect(await text()).toMatch(/^bed1:scrypt:16:1:1:[\w+/=]{24}:[\w+/=]{44}:node:ward\/bed1\n$/)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await text()).not.toContain('swordfish')
  })

  test('of role host may be given further filters; the password stays', async () => {
    await addUser(file, { name: 'processor', password: '1', role: 'host', args: ['millrace', 'a/#'], cost })
    const { hash } = parseUsers(await text(), file).get('processor')!
    await allowFilters(file, 'processor', ['a/#', 'lab/+/state'])
    expect(parseUsers(await text(), file).get('processor')).toMatchObject({ args: ['millrace', 'a/#', 'lab/+/state'], hash })
    await expect(allowFilters(file, 'processor', ['a/#/b'])).rejects.toMatchObject({ code: 'BROKER_USER_INVALID' })
    await expect(allowFilters(file, 'nobody', ['a'])).rejects.toMatchObject({ code: 'BROKER_USER_INVALID' })
    expect(await hasUser(file, 'nobody')).toBe(false)
  })

  test('again replaces it and leaves comments and neighbours alone', async () => {
    await writeFile(file, '# ours\n')
    await addUser(file, { name: 'a', password: '1', role: 'admin', cost })
    await addUser(file, { name: 'b', password: '1', role: 'admin', cost })
    await addUser(file, { name: 'a', password: '2', role: 'device', args: ['x', 'y/z'], cost })
    const users = parseUsers(await text(), file)
    expect([...users.keys()]).toEqual(['b', 'a'])
    expect(users.get('a')).toMatchObject({ role: 'device', args: ['x', 'y/z'] })
    expect(await text()).toMatch(/^# ours\n/)
  })

  test('many at once loses none', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => addUser(file, { name: `u${i}`, password: 'p', role: 'admin', cost })))
    expect(parseUsers(await text(), file).size).toBe(20)
  })

  test.each([
    [{ name: 'a:b', role: 'admin' as const }],
    [{ name: '', role: 'admin' as const }],
    [{ name: '#a', role: 'admin' as const }],
    [{ name: 'a\nb', role: 'admin' as const }],
    [{ name: 'a', role: 'king' as never }],
    [{ name: 'a', role: 'device' as const, args: ['x,y'] }],
    [{ name: 'a', role: 'node' as const, args: ['ward'] }],
  ])('%j is refused', async (user) => {
    await expect(addUser(file, { password: 'p', cost, ...user })).rejects.toMatchObject({ code: 'BROKER_USER_INVALID' })
  })
})

describe('a file with a mistake', () => {
  const hash = 'AAAAAAAAAAAAAAAAAAAAAA==:AAAAAAAAAAAAAAAAAAAAAA=='
  test.each([
    'bed1',
    `bed1:scrypt:16:1:1:${hash}:king`,
    `bed1:scrypt:15:1:1:${hash}:admin`,
    `bed1:scrypt:1073741824:8:1:${hash}:admin`,
    `bed1:bcrypt:16:1:1:${hash}:admin`,
    'bed1:scrypt:16:1:1:AAAA:AAAA:admin',
  ])('is named with its line: %s', (line) => {
    expect(() => parseUsers(`# first\n${line}\n`, 'f')).toThrow(/BROKER_USERS_INVALID: Users file f line 2 /)
  })
})

describe('the running broker', () => {
  const context = { clock: systemClock, log: silentLog }

  test('needs the file that it was told of', async () => {
    await expect(openUsers(file, context)).rejects.toMatchObject({ code: 'BROKER_USERS_NOT_FOUND' })
  })

  test('sees a change within a second or two, and tells who was changed', async () => {
    await addUser(file, { name: 'a', password: '1', role: 'admin', cost })
    await addUser(file, { name: 'b', password: '1', role: 'admin', cost })
    const users = await openUsers(file, context)
    const changed = new Promise<Set<string>>((resolve) => users.onChange(resolve))
    await addUser(file, { name: 'a', password: '2', role: 'admin', cost })
    expect([...(await changed)]).toEqual(['a'])
    users.close()
  })
})

describe('verifying', () => {
  test('right, wrong and unknown; a right one is remembered until the hash changes', async () => {
    await addUser(file, { name: 'a', password: 'right', role: 'admin' })
    const before = parseUsers(await text(), file).get('a')!.hash
    const verifier = new Verifier()
    const verify = (password: string, hash = before) => verifier.verify('a', hash, Buffer.from(password))
    expect(await verify('wrong')).toBe(false)
    expect(await verify('right')).toBe(true)
    const started = performance.now()
    for (let i = 0; i < 1_000; i++) expect(await verify('right')).toBe(true)
    expect(performance.now() - started).toBeLessThan(5_000) // by scrypt it would be a minute
    expect(await verify('wrong')).toBe(false)
    await addUser(file, { name: 'a', password: 'new', role: 'admin', cost })
    const after = parseUsers(await text(), file).get('a')!.hash
    expect(await verify('right', after)).toBe(false)
    expect(await verify('new', after)).toBe(true)
    expect(await verifier.verify('nobody', undefined, Buffer.from('right'))).toBe(false)
  })
})
