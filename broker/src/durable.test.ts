import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { addUser } from './broker.ts'
import { closed, startTestBroker, type TestBroker, testCost, testUsers, until } from './testing/test-broker.ts'

vi.setConfig({ testTimeout: 20_000 })

let dir: string
let broker: TestBroker | undefined
const path = () => join(dir, 'sessions.sqlite')
const session: IClientOptions = { clientId: 'bridge', clean: false }

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-durable-'))
})
afterEach(async () => {
  await broker?.close()
  broker = undefined
  await rm(dir, { recursive: true })
})

async function restart(store: Record<string, unknown> = {}): Promise<TestBroker> {
  await broker?.close()
  broker = await startTestBroker({}, {}, { store: { path: path(), ...store } })
  return broker
}

/** What comes from the first moment on: connect with its session. */
async function gather(on: TestBroker, options: IClientOptions = session) {
  const got: { text: string; qos: number; dup: boolean }[] = []
  const seen = (client: MqttClient) =>
    client.on('message', (_t, payload, { qos, dup }) => got.push({ text: `${payload}`, qos, dup }))
  const { name: username, password } = testUsers.host!
  const client = mqtt.connect(`mqtt://127.0.0.1:${on.port}`, { ...options, username, password, reconnectPeriod: 0 })
  client.on('error', () => {})
  seen(client)
  const connack = await connected(client)
  return {
    client,
    got,
    texts: () => got.map(({ text }) => text),
    sessionPresent: connack.sessionPresent,
  }
}

const connected = (client: MqttClient) => new Promise<{ sessionPresent: boolean }>((resolve) => client.once('connect', resolve))

const rows = () => {
  const db = new DatabaseSync(path(), { readOnly: true })
  const { n } = db.prepare('SELECT count(*) AS n FROM owed').get() as { n: number }
  db.close()
  return n
}
const numbered = (n: number) => Array.from({ length: n }, (_, k) => `${k}`)

describe('a persistent session in the store', () => {
  test('is owed what came while it was away, over a restart, in order, and nothing is left in the file when it has it', async () => {
    await restart()
    const first = await gather(broker!)
    await first.client.subscribeAsync('plain/#', { qos: 1 })
    await first.client.endAsync()
    const device = await broker!.connect('device')
    for (const text of numbered(50)) await device.publishAsync('plain/d1/x', text, { qos: 1 })
    expect(broker!.stats()).toMatchObject({ owed: 50, sessions: 1 })
    await restart()
    expect(broker!.stats()).toMatchObject({ owed: 50, sessions: 1 })
    const again = await gather(broker!)
    expect(again.sessionPresent).toBe(true)
    await until(() => again.got.length >= 50 && broker!.stats().owed === 0)
    expect(again.texts()).toEqual(numbered(50))
    const more = await broker!.connect('device')
    await more.publishAsync('plain/d1/x', 'live', { qos: 1 })
    await until(() => again.got.length === 51 && broker!.stats().storeBytes === 0)
    await again.client.endAsync()
    await broker!.close()
    broker = undefined
    expect(rows()).toBe(0)
  })

  test('takes QoS 0, retained messages and other subscribers as before, each message once', async () => {
    await restart()
    const { client, got } = await gather(broker!)
    const device = await broker!.connect('device')
    await device.publishAsync('plain/d1/kept', 'retained', { qos: 1, retain: true })
    await client.subscribeAsync({ 'plain/#': { qos: 1 }, 'plain/d1/x': { qos: 0 } })
    const other = await broker!.connect('admin')
    const seen: string[] = []
    other.on('message', (_topic, payload) => seen.push(`${payload}`))
    await other.subscribeAsync('plain/#', { qos: 1 })
    await device.publishAsync('plain/d1/x', 'zero', { qos: 0 })
    await device.publishAsync('plain/d1/x', 'one', { qos: 1 })
    await device.publishAsync('plain/d1/y', 'two', { qos: 2 })
    await until(() => got.length >= 4 && seen.length >= 4)
    expect(got.map(({ text, qos }) => `${text} ${qos}`).sort()).toEqual(['one 1', 'retained 1', 'two 1', 'zero 0'])
    expect(seen.sort()).toEqual(['one', 'retained', 'two', 'zero'])
  })

  test('gets QoS 2 once, with its PUBREL again when the connection ends between', async () => {
    await restart()
    const { client, got } = await gather(broker!)
    await client.subscribeAsync('plain/#', { qos: 2 })
    const device = await broker!.connect('device')
    for (const text of numbered(20)) await device.publishAsync('plain/d1/x', text, { qos: 2 })
    await until(() => got.length === 20 && broker!.stats().owed === 0)
    expect(got.map(({ text, qos }) => `${text} ${qos}`)).toEqual(numbered(20).map((text) => `${text} 2`))
  })

  test('gets what it did not acknowledge again, with DUP, and what is behind it from the file', async () => {
    await restart({ windowMessages: 5 })
    const first = await gather(broker!)
    await first.client.subscribeAsync('plain/#', { qos: 1 })
    first.client.handleMessage = () => {} // takes one and never acknowledges
    const device = await broker!.connect('device')
    for (const text of numbered(700)) device.publish('plain/d1/x', text, { qos: 1 })
    await until(() => broker!.stats().owed === 700)
    first.client.stream.destroy()
    await closed(first.client)
    const again = await gather(broker!)
    await until(() => broker!.stats().owed === 0)
    expect(again.texts()).toEqual(numbered(700))
    expect(again.got.map(({ dup }) => dup)).toEqual(numbered(700).map((_, k) => k < 5))
  })

  test('is forgotten with all it is owed by a clean CONNECT of its client, and by nobody else', async () => {
    await restart()
    const first = await gather(broker!)
    await first.client.subscribeAsync('plain/#', { qos: 1 })
    await first.client.endAsync()
    const device = await broker!.connect('device')
    await device.publishAsync('plain/d1/x', 'x', { qos: 1 })
    await expect(broker!.connect('admin', { clientId: 'bridge' })).rejects.toThrow()
    expect(broker!.stats()).toMatchObject({ owed: 1 })
    await (await gather(broker!, { clientId: 'bridge', clean: true })).client.endAsync()
    await until(() => broker!.stats().owed === 0 && broker!.stats().storeBytes === 0)
    await device.publishAsync('plain/d1/x', 'x', { qos: 1 })
    expect(broker!.stats()).toMatchObject({ owed: 0, sessions: 0 })
  })

  test('that is owed something is not forgotten for another one: the other is refused', async () => {
    broker = await startTestBroker({ sessions: 1 }, {}, { store: { path: path() } })
    const first = await gather(broker)
    await first.client.subscribeAsync('plain/#', { qos: 1 })
    await first.client.endAsync()
    const device = await broker.connect('device')
    await device.publishAsync('plain/d1/x', 'x', { qos: 1 })
    const other = await gather(broker, { clientId: 'other', clean: false })
    const gone = closed(other.client)
    other.client.subscribe('plain/#', { qos: 1 }, () => {})
    await gone
    expect(broker.stats()).toMatchObject({ owed: 1, sessions: 1 })
  })

  test('is gone when its user is, or may not read what it asked for', async () => {
    await restart()
    const first = await gather(broker!)
    await first.client.subscribeAsync('plain/#', { qos: 1 })
    await first.client.endAsync()
    await addUser(broker!.usersFile, { ...testUsers.host!, args: ['millrace', 'other/#'], cost: testCost })
    await broker!.reloadUsers()
    expect(broker!.stats()).toMatchObject({ sessions: 0 })
  })

  test('makes publishers wait at the bound, drops nothing, and lets them go on when there is room', async () => {
    await restart({ messagesMax: 10 })
    const first = await gather(broker!)
    await first.client.subscribeAsync('plain/#', { qos: 1 })
    await first.client.endAsync()
    const device = await broker!.connect('device')
    let acknowledged = 0
    const publishing = numbered(30).map((text) => device.publishAsync('plain/d1/x', text, { qos: 1 }).then(() => acknowledged++))
    await until(() => broker!.stats().storeWaiting === 20 && acknowledged >= 10)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect([acknowledged, broker!.stats().owed]).toEqual([10, 10])
    const again = await gather(broker!)
    await Promise.all(publishing)
    await until(() => again.got.length >= 30)
    expect(again.texts()).toEqual(numbered(30))
  })

  test('has a lock on its file, and a file that does not hold sessions is refused', async () => {
    await restart()
    const second = startTestBroker({}, {}, { store: { path: path() } })
    await expect(second).rejects.toThrow('BROKER_STORE_LOCKED')
    await writeFile(join(dir, 'other.sqlite'), Buffer.alloc(8192, 7))
    await expect(startTestBroker({}, {}, { store: { path: join(dir, 'other.sqlite') } })).rejects.toThrow('BROKER_STORE_CORRUPT')
  })
})

test('a broker that cannot listen leaves its store free for the next', async () => {
  const other = await startTestBroker()
  const taken = { websocket: { port: other.port }, store: { path: path() } }
  await expect(startTestBroker({}, {}, taken)).rejects.toThrow('PROCESS_PORT_IN_USE')
  await other.close()
  await restart()
})

describe('a broker that is killed', () => {
  const users = () => join(dir, 'users')
  const children: ChildProcess[] = []
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
  })

  async function start() {
    await writeFile(join(dir, 'broker.yaml'), `listen: { port: 0 }\nusers: ${users()}\nstore: { path: ${path()} }\n`)
    const main = fileURLToPath(new URL('./main.ts', import.meta.url))
    const child = spawn(process.execPath, [main, 'run', '--config', join(dir, 'broker.yaml')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    children.push(child)
    for await (const line of createInterface({ input: child.stderr! })) {
      const { message, port } = JSON.parse(line)
      if (message === 'listening') return { child, port: port as number }
    }
    throw new Error('it ended')
  }
  const connect = (port: number, user: string, options: IClientOptions = {}) => {
    const { name: username, password } = testUsers[user]!
    const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { username, password, reconnectPeriod: 0, ...options })
    client.on('error', () => {})
    return client
  }

  test('has lost none of 500 acknowledged messages to a session that was away, nor one in the middle of many', async () => {
    for (const user of ['host', 'device']) await addUser(users(), { ...testUsers[user]!, cost: testCost })
    const one = await start()
    const host = connect(one.port, 'host', session)
    await connected(host)
    await host.subscribeAsync('plain/#', { qos: 1 })
    await host.endAsync()
    const device = connect(one.port, 'device')
    await connected(device)
    const acknowledged = new Set<string>()
    let sent = 0
    // Many at once, killed in the middle of more.
    const publish = (): void => {
      const text = `${sent++}`
      device.publish('plain/d1/x', text, { qos: 1 }, (error) => {
        if (error) return
        acknowledged.add(text)
        publish()
      })
    }
    for (let k = 0; k < 40; k++) publish()
    await until(() => acknowledged.size >= 500)
    one.child.kill('SIGKILL')
    await once(one.child, 'exit')
    device.end(true)
    await new Promise((resolve) => setTimeout(resolve, 50))

    const two = await start()
    const got = new Set<string>()
    const again = connect(two.port, 'host', session)
    again.on('message', (_topic, payload) => got.add(`${payload}`))
    const connack = await connected(again)
    expect(connack).toMatchObject({ sessionPresent: true })
    await until(() => [...acknowledged].every((text) => got.has(text)))
    expect(got.size).toBeLessThanOrEqual(sent)

    // Acknowledged by the subscriber, then killed as well: it does not come again.
    await new Promise((resolve) => setTimeout(resolve, 300))
    two.child.kill('SIGKILL')
    await once(two.child, 'exit')
    again.end(true)
    expect(rows()).toBe(0)
  })
})
