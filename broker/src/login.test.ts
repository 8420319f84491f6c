import { connect as connectTcp } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { addUser } from './broker.ts'
import { connect } from './testing/packets.ts'
import { startTestBroker, type TestBroker } from './testing/test-broker.ts'

let broker: TestBroker
afterEach(() => broker.close())

/** The code of the CONNACK, undefined when there is none, and how long it took. */
function login(fields: Parameters<typeof connect>[0], localAddress?: string): Promise<{ code: number | undefined; ms: number }> {
  const startMs = performance.now()
  return new Promise((resolve) => {
    const socket = connectTcp({ port: broker.port, host: '127.0.0.1', ...(localAddress ? { localAddress } : {}) })
    const end = (code: number | undefined) => {
      socket.destroy()
      resolve({ code, ms: performance.now() - startMs })
    }
    socket
      .on('data', (bytes) => end(bytes[3]))
      .on('close', () => end(undefined))
      .on('error', () => {})
    socket.write(connect(fields))
  })
}

/** 200 a second for two seconds; then `right`, while they go on. */
async function during<T>(wrong: (k: number) => Promise<unknown>, right: () => Promise<T>): Promise<T> {
  let k = 0
  const attempts: Promise<unknown>[] = []
  const timer = setInterval(() => attempts.push(wrong(k++), wrong(k++)), 10)
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const result = await right()
  clearInterval(timer)
  await Promise.all(attempts)
  return result
}

/** At the cost that users have; `testUsers` cost nothing. */
async function startCostly(): Promise<void> {
  broker = await startTestBroker()
  for (const name of ['gateway', 'fresh', 'fresh-0', 'fresh-1', 'fresh-2'])
    await addUser(broker.usersFile, { name, password: 'right', role: 'node', args: [`ward/${name}`] })
  await broker.reloadUsers()
}

const attacks: [string, (k: number) => Promise<unknown>][] = [
  ['of another user from the same address', (k) => login({ user: 'gateway', password: `wrong-${k}` })],
  ['of users that do not exist, from the same address', (k) => login({ user: `nobody-${k}`, password: 'wrong' })],
  ['of the same user from another address', (k) => login({ user: `fresh-${k % 3}`, password: `wrong-${k}` }, '127.0.0.9')],
  ['of the same user from the same address, one again and again', (k) => login({ user: `fresh-${k % 3}`, password: 'wrong' })],
]

test.each(attacks)(
  'a right password is answered within a second during 200 wrong ones a second %s',
  async (_, wrong) => {
    await startCostly()
    const rights = await during(wrong, async () => {
      const all: Awaited<ReturnType<typeof login>>[] = []
      for (const k of [0, 1, 2]) all.push(await login({ user: `fresh-${k}`, password: 'right' }))
      return all
    })
    expect(rights.map(({ code }) => code)).toEqual([0, 0, 0])
    // The machine may be busy with something else during one of them.
    expect(Math.min(...rights.map(({ ms }) => ms))).toBeLessThan(1_000)
  },
  20_000,
)

test('one that was right before is answered at once, whatever comes from its own address', async () => {
  await startCostly()
  await login({ user: 'fresh', password: 'right' })
  const wrong = (k: number) => login({ user: 'fresh', password: `wrong-${k}` })
  const { code, ms } = await during(wrong, () => login({ user: 'fresh', password: 'right' }))
  expect([code, ms < 1_000], `${ms.toFixed(0)} ms`).toEqual([0, true])
}, 20_000)

test('many clients of one account that come back at once are all let in', async () => {
  await startCostly()
  const codes = await Promise.all(
    Array.from({ length: 100 }, async () => (await login({ user: 'fresh', password: 'right' })).code),
  )
  expect(codes.filter((code) => code !== 0)).toEqual([])
})

test('guesses of one user from one address are held to a few, then to one a second', async () => {
  await startCostly()
  const attempts = Array.from({ length: 40 }, (_, k) => login({ user: 'fresh', password: `wrong-${k}` }))
  const codes = (await Promise.all(attempts)).map(({ code }) => code)
  expect(codes.filter((code) => code === 4).length).toBeLessThanOrEqual(12)
  expect(broker.stats().refused['login-throttled']).toBeGreaterThanOrEqual(28)
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  expect((await login({ user: 'fresh', password: 'right' })).code).toBe(0)
})
