import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { MillraceError } from '@millrace/platform'
import type { MqttClient } from 'mqtt'
import mqtt from 'mqtt'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addUser, brokerSchema, startBroker } from './broker.ts'
import { connect, publish, subscribe } from './testing/packets.ts'
import { connectRaw } from './testing/raw-client.ts'
import { closed, startTestBroker, type TestBroker, testCost, until } from './testing/test-broker.ts'

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker()
})
afterEach(() => broker.close())

const url = () => `mqtt://127.0.0.1:${broker.port}`
const attempt = (options: object) => mqtt.connectAsync(url(), { reconnectPeriod: 0, ...options }, false)

/** Topics and payloads that the client gets, as `topic=payload`. */
function inbox(client: MqttClient): string[] {
  const seen: string[] = []
  client.on('message', (topic, payload) => seen.push(`${topic}=${payload}`))
  return seen
}

describe('who may connect', () => {
  test('a user with the right password is let in', async () => {
    const client = await broker.connect('node')
    expect(client.connected).toBe(true)
    expect(broker.stats()).toMatchObject({ clients: 1, connections: 1, preAuth: 0, refused: {} })
  })

  test('a wrong password and an unknown user get CONNACK 4 and cannot be told apart', async () => {
    await expect(attempt({ username: 'node', password: 'wrong' })).rejects.toMatchObject({ code: 4 })
    await expect(attempt({ username: 'nobody', password: 'wrong' })).rejects.toMatchObject({ code: 4 })
    expect(broker.stats().refused).toEqual({ 'bad-credentials': 2 })
  })

  test('no user name gets CONNACK 5', async () => {
    await expect(attempt({})).rejects.toMatchObject({ code: 5 })
    expect(broker.stats().refused).toEqual({ anonymous: 1 })
  })

  test('a will on a topic that the user may not publish gets CONNACK 5', async () => {
    const will = { topic: 'spBv1.0/ward/NDEATH/bed2', payload: Buffer.from('x'), qos: 1 as const }
    await expect(attempt({ username: 'node', password: 'secret-n', will })).rejects.toMatchObject({ code: 5 })
    expect(broker.stats().refused).toEqual({ 'will-forbidden': 1 })
  })

  test('many clients of one user may come at once', async () => {
    await broker.connect('node')
    await Promise.all(Array.from({ length: 50 }, () => broker.connect('node')))
    expect(broker.stats().clients).toBe(51)
  })

  test('MQTT 5 gets CONNACK 1', async () => {
    const raw = await connectRaw(broker.port)
    raw.send(Buffer.from('101300044d5154540502003c00000664657669636500', 'hex').subarray(0, 21))
    expect(await raw.receive(4)).toEqual(Buffer.from([0x20, 2, 0, 1]))
    await raw.closed
  })

  test('packets sent right behind CONNECT are taken once the user is known', async () => {
    const seen = inbox(await subscribed('host', 'spBv1.0/#'))
    const raw = await connectRaw(broker.port)
    const hello = connect({ user: 'node', password: 'secret-n', clientId: 'eager' })
    raw.send(Buffer.concat([hello, publish('spBv1.0/ward/NDATA/bed1', '1'), subscribe(['spBv1.0/ward/NCMD/bed1'])]))
    await until(() => seen.length === 1)
    expect(await raw.receive(9)).toEqual(Buffer.from([0x20, 2, 0, 0, 0x90, 3, 0, 1, 0]))
    raw.socket.destroy()
  })
})

async function subscribed(user: string, filter: string, qos: 0 | 1 | 2 = 0): Promise<MqttClient> {
  const client = await broker.connect(user)
  await client.subscribeAsync(filter, { qos })
  return client
}

describe('who may do what', () => {
  test('a node publishes its own births, deaths and data, and the host reads them', async () => {
    const seen = inbox(await subscribed('host', 'spBv1.0/#'))
    const node = await broker.connect('node')
    for (const topic of [
      'NBIRTH/bed1',
      'DBIRTH/bed1/oximeter',
      'DDATA/bed1/oximeter',
      'NDATA/bed1',
      'DDEATH/bed1/oximeter',
      'NDEATH/bed1',
    ])
      node.publish(`spBv1.0/ward/${topic}`, 'x')
    await until(() => seen.length === 6)
    expect(broker.stats()).toMatchObject({ received: 6, delivered: 6, refused: {} })
  })

  test.each([
    ['node', 'spBv1.0/ward/DDATA/bed2/oximeter'],
    ['node', 'spBv1.0/other/NDATA/bed1'],
    ['node', 'spBv1.0/ward/NCMD/bed1'],
    ['node', 'spBv1.0/STATE/millrace'],
    ['node', 'plain/d1'],
    ['host', 'spBv1.0/ward/NDATA/bed1'],
    ['host', 'spBv1.0/STATE/another'],
    ['device', 'plain/d2'],
    ['device', 'plain/d10'],
  ])('%s that publishes %s is cut off, and nobody gets the message', async (user, topic) => {
    const seen = inbox(await subscribed('admin', '#'))
    const client = await broker.connect(user)
    client.publish(topic, 'x')
    await closed(client)
    expect(broker.stats().refused).toEqual({ 'publish-forbidden': 1 })
    expect(seen).toEqual([])
  })

  test.each([
    ['node', 'spBv1.0/ward/NCMD/bed1', 0],
    ['node', 'spBv1.0/ward/NCMD/bed1/#', 0],
    ['node', 'spBv1.0/ward/DCMD/bed1/+', 0],
    ['node', 'spBv1.0/STATE/millrace', 0],
    ['node', 'spBv1.0/STATE/+', 0],
    ['node', 'spBv1.0/ward/NCMD/+', 128],
    ['node', 'spBv1.0/#', 128],
    ['node', '#', 128],
    ['host', 'spBv1.0/+/DDATA/#', 0],
    ['host', 'plain/#', 0],
    ['host', 'private/#', 128],
    ['host', '#', 128],
    ['device', 'plain/d1/#', 128],
    ['admin', '#', 0],
    ['admin', '$SYS/#', 0],
  ])('%s that subscribes %s gets SUBACK %i', async (user, filter, code) => {
    const raw = await connectRaw(broker.port)
    raw.send(Buffer.concat([connect({ user, password: `secret-${user[0]}` }), subscribe([filter])]))
    expect((await raw.receive(9)).at(-1)).toBe(code)
    expect(broker.stats().refused).toEqual(code === 0 ? {} : { 'subscribe-forbidden': 1 })
    raw.socket.destroy()
  })

  test('one user cannot take the client id of another who is connected, but the same user can', async () => {
    const first = await broker.connect('node', { clientId: 'bed' })
    await expect(attempt({ username: 'other', password: 'secret-o', clientId: 'bed' })).rejects.toMatchObject({ code: 2 })
    expect(first.connected).toBe(true)
    const gone = closed(first)
    await broker.connect('node', { clientId: 'bed' })
    await gone
    expect(broker.stats()).toMatchObject({ clients: 1, refused: { 'client-id-taken': 1 } })
  })

  test('one user cannot take over the session kept for another', async () => {
    const away = await broker.connect('host', { clientId: 'bridge', clean: false })
    await away.subscribeAsync('plain/#', { qos: 1 })
    await away.endAsync()
    await expect(attempt({ username: 'node', password: 'secret-n', clientId: 'bridge', clean: false })).rejects.toMatchObject({
      code: 2,
    })
  })

  test('a will reaches who reads $SYS too, and a message that matches two filters comes once', async () => {
    const admin = await broker.connect('admin')
    const seen = inbox(admin)
    await admin.subscribeAsync(['#', '$SYS/#', 'spBv1.0/#'], { qos: 1 })
    const will = { topic: 'spBv1.0/ward/NDEATH/bed1', payload: Buffer.from('x'), qos: 1 as const, retain: false }
    const node = await broker.connect('node', { will })
    node.stream.destroy()
    await admin.publishAsync('last', 'x', { qos: 1 })
    await until(() => seen.includes('last=x') && seen.some((text) => text.includes('disconnect')))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(seen.filter((text) => text.includes('NDEATH'))).toEqual(['spBv1.0/ward/NDEATH/bed1=x'])
  })

  test('a will is published when the client is gone without DISCONNECT, also at a takeover', async () => {
    const seen = inbox(await subscribed('host', 'spBv1.0/#'))
    const will = (payload: string) => ({ topic: 'spBv1.0/ward/NDEATH/bed1', payload: Buffer.from(payload), qos: 1 as const })
    const first = await broker.connect('node', { clientId: 'bed', will: will('0') })
    await first.subscribeAsync('spBv1.0/ward/NCMD/bed1/#')
    const second = await broker.connect('node', { clientId: 'bed', will: will('1') })
    await until(() => seen.length === 1)
    second.stream.destroy()
    await until(() => seen.length === 2)
    expect(seen).toEqual(['spBv1.0/ward/NDEATH/bed1=0', 'spBv1.0/ward/NDEATH/bed1=1'])
    expect(broker.stats().refused).toEqual({})
  })

  test('a changed password lets the new one in, the old one not, and disconnects who used it', async () => {
    const client = await broker.connect('node')
    const gone = closed(client)
    await addUser(broker.usersFile, { name: 'node', password: 'new', role: 'node', args: ['ward/bed1'], cost: testCost })
    await broker.reloadUsers()
    await gone
    await expect(attempt({ username: 'node', password: 'secret-n' })).rejects.toMatchObject({ code: 4 })
    await (await attempt({ username: 'node', password: 'new' })).endAsync(true)
  })

  test('a users file that became wrong changes nothing', async () => {
    const before = await readFile(broker.usersFile, 'utf8')
    await appendFile(broker.usersFile, 'not a user line\n')
    await broker.reloadUsers()
    expect((await broker.connect('node')).connected).toBe(true)
    await writeFile(broker.usersFile, before)
  })
})

describe('what is kept', () => {
  test('QoS 1 messages wait for a session that is away, and come in order', async () => {
    const away = await broker.connect('host', { clientId: 'bridge', clean: false })
    await away.subscribeAsync('plain/#', { qos: 1 })
    await away.endAsync()
    const device = await broker.connect('device')
    for (let i = 0; i < 100; i++) await device.publishAsync('plain/d1/t', `${i}`, { qos: 1 })
    expect(broker.stats().owed).toBe(100)
    const back = mqtt.connect(url(), {
      username: 'host',
      password: 'secret-h',
      clientId: 'bridge',
      clean: false,
      reconnectPeriod: 0,
    })
    const seen = inbox(back)
    await until(() => seen.length === 100)
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => `plain/d1/t=${i}`))
    await until(() => broker.stats().owed === 0)
    await back.endAsync(true)
  })

  test('QoS 2 messages reach a session once each', async () => {
    const host = await broker.connect('host', { clientId: 'bridge', clean: false })
    await host.subscribeAsync('plain/#', { qos: 2 })
    const seen = inbox(host)
    const device = await broker.connect('device')
    await Promise.all(Array.from({ length: 50 }, (_, i) => device.publishAsync('plain/d1/t', `${i}`, { qos: 2 })))
    await until(() => seen.length === 50 && broker.stats().owed === 0)
    expect(new Set(seen).size).toBe(50)
  })

  test('STATE is retained for nodes that come later', async () => {
    const host = await broker.connect('host')
    await host.publishAsync('spBv1.0/STATE/millrace', '{"online":true}', { qos: 1, retain: true })
    const node = await broker.connect('node')
    const seen = inbox(node)
    await node.subscribeAsync('spBv1.0/STATE/+', { qos: 1 })
    await until(() => seen.length === 1)
    expect(seen[0]).toBe('spBv1.0/STATE/millrace={"online":true}')
  })

  test('a retained message goes out with at most the QoS that a filter with wildcards was granted', async () => {
    const host = await broker.connect('host')
    await host.publishAsync('spBv1.0/STATE/millrace', '{"online":true}', { qos: 1, retain: true })
    for (const qos of [0, 1] as const) {
      const node = await broker.connect('node')
      const seen: number[] = []
      node.on('message', (_topic, _payload, packet) => seen.push(packet.qos))
      await node.subscribeAsync('spBv1.0/STATE/+', { qos })
      await until(() => seen.length === 1)
      expect(seen).toEqual([qos])
    }
  })

  test('a filter that was refused is not kept with the session either', async () => {
    const host = await broker.connect('host', { clientId: 'bridge', clean: false })
    await host.subscribeAsync(['plain/#', 'private/#'], { qos: 1 }).catch(() => {})
    await host.endAsync()
    const admin = await broker.connect('admin')
    await admin.publishAsync('private/x', 'secret', { qos: 1 })
    expect(broker.stats()).toMatchObject({ owed: 0, sessions: 1 })
  })
})

describe('the limits', () => {
  const withLimits = async (limits: Parameters<typeof startTestBroker>[0]) => {
    await broker.close()
    broker = await startTestBroker(limits)
  }

  test('one client too many gets CONNACK 3', async () => {
    await withLimits({ clients: 1 })
    await broker.connect('node')
    await expect(attempt({ username: 'other', password: 'secret-o' })).rejects.toMatchObject({ code: 3 })
  })

  test('one connection too many from one address is closed', async () => {
    await withLimits({ connectionsPerAddress: 1 })
    const first = await connectRaw(broker.port)
    await (await connectRaw(broker.port)).closed
    expect(broker.stats().refused).toEqual({ 'address-full': 1 })
    first.socket.destroy()
  })

  test('one filter too many gets SUBACK 0x80', async () => {
    await withLimits({ subscriptionsPerClient: 2 })
    const raw = await connectRaw(broker.port)
    raw.send(Buffer.concat([connect({ user: 'admin', password: 'secret-a' }), subscribe(['a', 'b', 'c'])]))
    expect([...(await raw.receive(11)).subarray(8)]).toEqual([0, 0, 128])
    raw.socket.destroy()
  })

  test('a session is owed so many messages at most: the oldest go, counted', async () => {
    await withLimits({ offlineMessages: 10 })
    const away = await broker.connect('host', { clientId: 'bridge', clean: false })
    await away.subscribeAsync('plain/#', { qos: 1 })
    await away.endAsync()
    const device = await broker.connect('device')
    for (let i = 0; i < 25; i++) await device.publishAsync('plain/d1', `${i}`, { qos: 1 })
    expect(broker.stats()).toMatchObject({ owed: 10, dropped: { 'offline-full': 15 } })
  })

  test('a topic too many is delivered but not retained', async () => {
    await withLimits({ retainedMessages: 2 })
    const seen = inbox(await subscribed('admin', 'plain/#'))
    const device = await broker.connect('device')
    for (let i = 0; i < 4; i++) await device.publishAsync(`plain/d1/${i}`, 'x', { qos: 1, retain: true })
    await until(() => seen.length === 4)
    expect(broker.stats()).toMatchObject({ retained: 2, dropped: { 'retained-full': 2 } })
  })

  test('a client that is silent for one and a half keep-alive periods is closed', async () => {
    const raw = await connectRaw(broker.port)
    const hello = connect({ user: 'admin', password: 'secret-a' })
    hello.writeUInt16BE(1, 10)
    raw.send(hello)
    await raw.closed
    expect(broker.stats().refused).toEqual({ 'keepalive-timeout': 1 })
  })

  test('more QoS 2 messages in flight than allowed close the connection', async () => {
    await withLimits({ inflight: 5 })
    const raw = await connectRaw(broker.port)
    raw.send(connect({ user: 'admin', password: 'secret-a' }))
    await raw.receive(4)
    for (let id = 1; id <= 6; id++) raw.send(publish('t', 'x', 2, id))
    await raw.closed
    expect(broker.stats().refused).toEqual({ 'protocol-error': 1 })
  })
})

describe('the listener', () => {
  test.each([
    [{ listen: { host: '0.0.0.0' } }, 'TLS and credentials'],
    [{ listen: { host: '::' }, users: '/users' }, 'TLS'],
    [{ listen: { host: '0.0.0.0' }, tls: { certFile: 'c', keyFile: 'k' } }, 'credentials'],
    [
      { listen: { host: '0.0.0.0' }, tls: { certFile: 'c', keyFile: 'k' }, users: '/u', dangerouslyAllowAnonymous: true },
      'credentials',
    ],
  ])('off loopback %j does not start, for want of %s', async (config, missing) => {
    const failure = await startBroker(brokerSchema.parse(config)).catch((error: Error) => error)
    expect(failure).toBeInstanceOf(MillraceError)
    expect((failure as MillraceError).code).toBe('LISTENER_NOT_LOOPBACK')
    expect((failure as MillraceError).message).toContain(`has no ${missing}.`)
  })

  test('a port in use is named', async () => {
    await expect(startBroker(brokerSchema.parse({ listen: { port: broker.port } }))).rejects.toMatchObject({
      code: 'PROCESS_PORT_IN_USE',
    })
  })

  test('anonymous clients are let in only by a switch that says so', async () => {
    const open = await startBroker(brokerSchema.parse({ listen: { port: 0 }, dangerouslyAllowAnonymous: true }))
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${open.port}`, { reconnectPeriod: 0 })
    await client.endAsync(true)
    await open.close()
  })
})
