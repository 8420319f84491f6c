import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addUser, type Broker, brokerSchema, startBroker } from './broker.ts'
import { testCost, until } from './testing/test-broker.ts'

const openssl = (() => {
  try {
    return execFileSync('openssl', ['version'], { stdio: 'pipe' }).length > 0
  } catch {
    console.log('skipped: openssl, which makes the certificate, is not installed (Debian: apt-get install openssl)')
    return false
  }
})()

describe.skipIf(!openssl)('over TLS', () => {
  let dir: string
  let broker: Broker
  const at = (name: string) => join(dir, name)
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'millrace-tls-'))
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
    const files = ['-keyout', at('key.pem'), '-out', at('cert.pem')]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '2', ...subject, ...files], {
      stdio: 'pipe',
    })
    await addUser(at('users'), { name: 'a', password: 'p', role: 'admin', cost: testCost })
    const tls = { certFile: at('cert.pem'), keyFile: at('key.pem') }
    const limits = { connectTimeoutMs: 1_500 }
    // Not on loopback alone: with TLS and users it may.
    const everywhere = { host: '0.0.0.0', port: 0 }
    broker = await startBroker(brokerSchema.parse({ listen: everywhere, websocket: everywhere, users: at('users'), tls, limits }))
  })
  afterAll(async () => {
    await broker.close()
    await rm(dir, { recursive: true })
  })

  test.each(['mqtts', 'wss'])('messages of up to the limit go both ways by %s', async (protocol) => {
    const port = protocol === 'wss' ? `${broker.webSocketPort}/mqtt` : broker.port
    const url = `${protocol}://127.0.0.1:${port}`
    const client = await mqtt.connectAsync(url, { username: 'a', password: 'p', ca: await readFile(at('cert.pem')) })
    const sizes: number[] = []
    client.on('message', (_topic, payload) => sizes.push(payload.length))
    await client.subscribeAsync('t')
    for (const size of [1, 70_000, 200_000]) await client.publishAsync('t', Buffer.alloc(size))
    await until(() => sizes.length === 3)
    expect(sizes).toEqual([1, 70_000, 200_000])
    expect(broker.stats()).toMatchObject({ preAuth: 0, clients: 1 })
    await client.endAsync()
    await until(() => broker.stats().clients === 0)
  })

  test('a client that speaks plain MQTT, or nothing at all, is closed and counted', async () => {
    const plain = connectTcp(broker.port, '127.0.0.1').on('error', () => {})
    plain.write(Buffer.from('100c00044d5154540402003c0000', 'hex'))
    const silent = connectTcp(broker.port, '127.0.0.1').on('error', () => {})
    await Promise.all([plain, silent].map((socket) => new Promise((resolve) => socket.once('close', resolve))))
    expect(broker.stats().refused).toEqual({ 'tls-handshake': 2 })
    await until(() => broker.stats().preAuth === 0)
  })

  test('files that do not match are named', async () => {
    const tls = { certFile: at('cert.pem'), keyFile: at('users') }
    await expect(startBroker(brokerSchema.parse({ listen: { port: 0 }, tls }))).rejects.toMatchObject({
      code: 'BROKER_TLS_UNREADABLE',
    })
  })
})
