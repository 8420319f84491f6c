import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import mqtt from 'mqtt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { brokerSchema } from '../broker.ts'
import { checkListener } from '../config.ts'
import * as packets from '../testing/packets.ts'
import { startTestBroker, type TestBroker, testUsers, until } from '../testing/test-broker.ts'

let broker: TestBroker
const limits = { packetBytes: 100_000, connectTimeoutMs: 400 }
beforeEach(async () => {
  broker = await startTestBroker(limits, {}, { websocket: { port: 0, origins: ['https://ward.example'] } })
})
afterEach(() => broker.close())

const url = (path = '/mqtt') => `ws://127.0.0.1:${broker.webSocketPort}${path}`
async function connect(user: string, options: mqtt.IClientOptions = {}) {
  const { name: username, password } = testUsers[user]!
  return mqtt.connectAsync(url(), { username, password, reconnectPeriod: 0, ...options }, false)
}
const open = (headers: Record<string, string> = {}, path = '/mqtt', protocols = ['mqtt']) => {
  const socket = new WebSocket(url(path), protocols, { headers })
  socket.on('error', () => {})
  return socket
}
const gone = (socket: { once(event: 'close', call: () => void): unknown }) =>
  new Promise<void>((resolve) => socket.once('close', resolve))
const isRefused = async (socket: WebSocket) => {
  await gone(socket)
  return broker.stats().refused
}

test('messages go both ways, large and many, with TCP on the other side', async () => {
  const host = await connect('host')
  const got: Buffer[] = []
  host.on('message', (_topic, payload) => got.push(payload))
  await host.subscribeAsync('plain/#', { qos: 1 })
  const device = await connect('device')
  const overTcp = await broker.connect('device')
  const large = Buffer.alloc(90_000, 7)
  await device.publishAsync('plain/d1/x', large, { qos: 1 })
  for (let k = 0; k < 500; k++) device.publish('plain/d1/x', `${k}`, { qos: 0 })
  await overTcp.publishAsync('plain/d1/x', 'tcp', { qos: 1 })
  await until(() => got.length === 502)
  expect(got[0]!.equals(large)).toBe(true)
  expect(got.map(String).filter((text) => /^\d{1,3}$/.test(text))).toEqual(Array.from({ length: 500 }, (_, k) => `${k}`))
  await Promise.all([host.endAsync(), device.endAsync()])
})

test('the same users and rights hold', async () => {
  await expect(connect('host', { password: 'wrong' })).rejects.toThrow(/Bad username or password/)
  const device = await connect('device')
  device.on('error', () => {})
  device.publish('plain/other', 'x', { qos: 1 }, () => {})
  await gone(device)
  expect(broker.stats().refused).toMatchObject({ 'bad-credentials': 1, 'publish-forbidden': 1 })
})

test.each([
  ['another path', {}, '/other', ['mqtt']],
  ['no subprotocol', {}, '/mqtt', []],
  ['another subprotocol', {}, '/mqtt', ['mqttv3.1']],
  ['a web page of another origin', { origin: 'https://evil.example' }, '/mqtt', ['mqtt']],
])('%s is refused', async (_what, headers, path, protocols) => {
  expect(await isRefused(open(headers as Record<string, string>, path, protocols))).toMatchObject({ 'websocket-handshake': 1 })
})

test('a web page of a configured origin is taken', async () => {
  const socket = open({ origin: 'https://ward.example' })
  await once(socket, 'open')
  expect(socket.protocol).toBe('mqtt')
  socket.terminate()
})

test('plain HTTP is told to upgrade', async () => {
  expect((await fetch(url().replace('ws:', 'http:'))).status).toBe(426)
})

test('text frames, rubbish and large frames close the connection, alone', async () => {
  const healthy = await connect('host')
  const text = open()
  await once(text, 'open')
  text.send('CONNECT')
  expect(await isRefused(text)).toMatchObject({ 'websocket-frame': 1 })
  const rubbish = open()
  await once(rubbish, 'open')
  rubbish.send(Buffer.from([0x30, 0x00, 0xff]))
  expect(await isRefused(rubbish)).toMatchObject({ 'first-not-connect': 1 })
  const large = open()
  await once(large, 'open')
  large.send(Buffer.alloc(100_001))
  expect(await isRefused(large)).toMatchObject({ 'websocket-frame': 2 })
  expect(healthy.connected).toBe(true)
  await healthy.endAsync()
})

test('a stranger cannot make it hold a large frame before CONNECT', async () => {
  const socket = open()
  await once(socket, 'open')
  for (let k = 0; k < 9; k++) socket.send(Buffer.alloc(10_000), { fin: false, binary: true })
  expect(await isRefused(socket)).toMatchObject({ 'websocket-frame': 1 })
})

test('a connection that does not shake hands, or sends no CONNECT, is closed in time', async () => {
  const silent = connectTcp(broker.webSocketPort!, '127.0.0.1')
  const shaken = open()
  await Promise.all([gone(silent), gone(shaken)])
  expect(broker.stats().refused).toMatchObject({ 'connect-timeout': 2 })
  await until(() => broker.stats().connections === 0 && broker.stats().preAuth === 0)
})

test('pings are answered', async () => {
  const socket = open()
  await once(socket, 'open')
  socket.ping('hello')
  expect(`${(await once(socket, 'pong'))[0]}`).toBe('hello')
})

test('a subscriber that does not read makes its publishers wait, and is cut off', async () => {
  await broker.close()
  broker = await startTestBroker({ ...limits, outboundBufferBytes: 400_000, slowConsumerMs: 300 }, {}, { websocket: { port: 0 } })
  const frozen = open()
  await once(frozen, 'open')
  const { name, password } = testUsers.host!
  frozen.send(packets.connect({ user: name, password }))
  await once(frozen, 'message')
  frozen.send(packets.subscribe(['plain/#']))
  await once(frozen, 'message')
  frozen.pause()
  const device = await connect('device')
  let peak = 0
  for (let k = 0; k < 300 && broker.stats().refused['slow-consumer'] === undefined; k++) {
    await device.publishAsync('plain/d1/x', Buffer.alloc(90_000), { qos: 1 })
    peak = Math.max(peak, broker.stats().outboundBytes)
  }
  await until(() => broker.stats().refused['slow-consumer'] === 1)
  expect(peak).toBeLessThan(2_000_000)
  frozen.terminate()
  await device.endAsync()
})

test('off loopback it needs TLS and users, as the other listener', () => {
  const check = (config: object) => () => checkListener(brokerSchema.parse({ websocket: { host: '0.0.0.0' }, ...config }))
  expect(check({})).toThrow('LISTENER_NOT_LOOPBACK')
  expect(check({ users: 'u' })).toThrow('TLS')
  expect(check({ users: 'u', tls: { certFile: 'c', keyFile: 'k' } })).not.toThrow()
})
