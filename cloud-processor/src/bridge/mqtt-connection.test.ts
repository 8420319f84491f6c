import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addUser, brokerSchema, startBroker } from '@millrace/broker/broker'
import { systemClock } from '@millrace/platform'
import { connectAsync } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Connection, type ConnectionOptions, openConnection } from './mqtt-connection.ts'

const account = { username: 'host', password: 'p' }
const undo: (() => unknown)[] = []
let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-bridge-'))
  await addUser(join(dir, 'users'), { name: account.username, password: account.password, role: 'admin', args: [] })
})
afterAll(() => rm(dir, { recursive: true }))
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

interface Watched extends Connection {
  seen: string[]
  downs: string[]
  ups(): number
}

function watch(url: string, more: Partial<ConnectionOptions> = {}): Watched {
  const seen: string[] = []
  const downs: string[] = []
  let ups = 0
  const connection = openConnection(
    { url, clientId: 'c', ...account, filters: ['spBv1.0/#'], keepaliveSeconds: 1, restMs: 5, packetBytesMax: 100_000, ...more },
    {
      up: () => ups++,
      message: (topic, payload) => seen.push(`${topic} ${Buffer.from(payload)}`),
      tooLarge: (bytes) => seen.push(`too large ${bytes > 100_000}`),
      down: (error) => downs.push(error.message),
    },
    systemClock,
  )
  undo.push(() => connection.close())
  return { ...connection, seen, downs, ups: () => ups }
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 10_000) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function ours(
  port = 0,
  tls?: { certFile: string; keyFile: string },
  sessions?: string,
): Promise<{ port: number; stop(): Promise<void> }> {
  const broker = await startBroker(
    brokerSchema.parse({
      listen: { port },
      users: join(dir, 'users'),
      ...(tls ? { tls } : {}),
      ...(sessions ? { store: { path: sessions } } : {}),
    }),
  )
  let isStopped = false
  const stop = async () => {
    if (!isStopped) await broker.close()
    isStopped = true
  }
  undo.push(stop)
  return { port: broker.port, stop }
}

const binary = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'].find((path) => existsSync(path))
if (!binary) console.log('skipped: mosquitto is not installed (Debian: apt-get install mosquitto)')

async function mosquitto(): Promise<{ port: number; stop(): Promise<void> }> {
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  await new Promise((resolve) => free.close(resolve))
  await writeFile(join(dir, 'mosquitto.conf'), `listener ${port} 127.0.0.1\nallow_anonymous true\n`)
  const child: ChildProcess = spawn(binary!, ['-c', join(dir, 'mosquitto.conf')], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr!.on('data', (chunk) => {
    said += chunk
  })
  await until(() => said.includes('running') || child.exitCode !== null)
  const stop = async () => {
    if (child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  undo.push(stop)
  return { port, stop }
}

describe.each([
  ['our broker', () => ours()],
  ['Mosquitto', mosquitto],
] as const)('with %s', (name, start) => {
  const isMissing = name === 'Mosquitto' && !binary

  test.skipIf(isMissing)('every message arrives in order, and what is published leaves', async () => {
    const url = `mqtt://127.0.0.1:${(await start()).port}`
    const connection = watch(url)
    await until(connection.isUp)
    const peer = await connectAsync(url, account)
    undo.push(() => peer.endAsync())
    const answers: string[] = []
    peer.on('message', (topic, payload) => answers.push(`${topic} ${payload}`))
    await peer.subscribeAsync('spBv1.0/g/NCMD/n')
    const sent = Array.from({ length: 2000 }, (_, n) => `spBv1.0/g/DDATA/n/d ${n} ${'x'.repeat((n * 37) % 900)}`)
    for (const text of sent) peer.publish(text.slice(0, 19), text.slice(20))
    await until(() => connection.seen.length >= sent.length)
    expect(connection.seen).toEqual(sent)
    for (let n = 0; n < 5; n++) connection.publish('spBv1.0/g/NCMD/n', Buffer.from(`${n}`))
    await until(() => answers.length === 5)
    expect(answers.map((text) => text.at(-1))).toEqual(['0', '1', '2', '3', '4'])
  })

  test.skipIf(isMissing)('a retained STATE of QoS 1 does not end the connection, and pings keep it', async () => {
    const url = `mqtt://127.0.0.1:${(await start()).port}`
    const peer = await connectAsync(url, account)
    undo.push(() => peer.endAsync())
    await peer.publishAsync('spBv1.0/STATE/h', 'on', { qos: 1, retain: true })
    const connection = watch(url)
    await until(() => connection.seen.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 2600))
    expect(connection).toMatchObject({ seen: ['spBv1.0/STATE/h on'], downs: [] })
    expect(connection.isUp()).toBe(true)
  })
})

describe.each([
  ['our broker', () => ours(0, undefined, join(dir, `sessions-${Math.random()}.sqlite`))],
  ['Mosquitto', mosquitto],
] as const)('a persistent session with %s', (name, start) => {
  const isMissing = name === 'Mosquitto' && !binary

  test.skipIf(isMissing)('pipelines, and gets again in order what was not durable when it ended', async () => {
    const url = `mqtt://127.0.0.1:${(await start()).port}`
    const waiting: (() => void)[] = []
    const session = (isDurable: () => boolean) => {
      const seen: string[] = []
      const connection = openConnection(
        {
          url,
          clientId: 'p',
          ...account,
          filters: ['lab/#'],
          keepaliveSeconds: 5,
          restMs: 1,
          packetBytesMax: 1e6,
          isPersistent: true,
        },
        {
          up() {},
          message(_topic, payload, _packet, settled) {
            seen.push(`${payload}`)
            if (isDurable()) waiting.push(() => settled(true))
          },
          tooLarge() {},
          down() {},
        },
        systemClock,
      )
      undo.push(() => connection.close())
      return { connection, seen }
    }
    let durable = true
    const first = session(() => durable)
    await until(first.connection.isUp)
    const peer = await connectAsync(url, account)
    undo.push(() => peer.endAsync())
    for (let n = 0; n < 15; n++) peer.publish('lab/a', `${n}`, { qos: 1 })
    await until(() => first.seen.length === 15)
    // All of a window was sent without an acknowledgement in between. The first ten become durable, out of order.
    durable = false
    for (const settle of waiting.slice(0, 10).reverse()) settle()
    waiting.length = 0
    await first.connection.close()
    const second = session(() => true)
    for (let n = 15; n < 40; n++) peer.publish('lab/a', `${n}`, { qos: 1 })
    const settleAll = setInterval(() => {
      for (const settle of waiting.splice(0)) settle()
    }, 5)
    undo.push(() => clearInterval(settleAll))
    await until(() => second.seen.length === 30)
    expect(second.seen).toEqual([...Array(30).keys()].map((n) => `${n + 10}`))
  })
})

test('it comes back when the broker does', async () => {
  const first = await ours()
  const connection = watch(`mqtt://127.0.0.1:${first.port}`)
  await until(connection.isUp)
  await first.stop()
  await until(() => !connection.isUp())
  connection.publish('spBv1.0/g/NCMD/n', Buffer.from('lost'))
  await ours(first.port)
  await until(connection.isUp)
  expect(connection.ups()).toBe(2)
})

test('a wrong password is said with its return code, and tried again', async () => {
  const connection = watch(`mqtt://127.0.0.1:${(await ours()).port}`, { password: 'wrong' })
  await until(() => connection.downs.length >= 2)
  expect(connection.downs[0]).toMatch(/return code [45]/)
  expect(connection.ups()).toBe(0)
})

test('a message above the bound is passed over and its neighbours arrive', async () => {
  const url = `mqtt://127.0.0.1:${(await ours()).port}`
  const connection = watch(url)
  await until(connection.isUp)
  const peer = await connectAsync(url, account)
  undo.push(() => peer.endAsync())
  peer.publish('spBv1.0/g/NDATA/n', 'a')
  peer.publish('spBv1.0/g/NDATA/n', 'x'.repeat(150_000))
  peer.publish('spBv1.0/g/NDATA/n', 'b')
  await until(() => connection.seen.length === 3)
  expect(connection.seen).toEqual(['spBv1.0/g/NDATA/n a', 'too large true', 'spBv1.0/g/NDATA/n b'])
})

test('a broker that takes the connection and says nothing is left', async () => {
  const silent: Server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  undo.push(() => silent.close())
  const connection = watch(`mqtt://127.0.0.1:${(silent.address() as AddressInfo).port}`)
  await until(() => connection.downs.length > 0)
  expect(connection.downs[0]).toBe('the broker is silent')
})

test('it closes within its time though the broker takes nothing more', async () => {
  const frozen: Server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(Buffer.of(0x20, 2, 0, 0, 0x90, 3, 0, 1, 0))
      socket.pause()
    })
    undo.push(() => socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(frozen, 'listening')
  undo.push(() => frozen.close())
  const connection = watch(`mqtt://127.0.0.1:${(frozen.address() as AddressInfo).port}`, { keepaliveSeconds: 60 })
  await until(connection.isUp)
  for (let k = 0; k < 30; k++) {
    connection.publish('spBv1.0/g/NCMD/n', Buffer.alloc(1 << 20))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const startedMs = performance.now()
  await connection.close()
  expect(performance.now() - startedMs).toBeLessThan(3000)
})

test('over TLS messages arrive, and a certificate of an unknown authority is refused', async (context) => {
  const at = (name: string) => join(dir, name)
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  try {
    const files = ['-keyout', at('key.pem'), '-out', at('cert.pem')]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '2', ...subject, ...files], {
      stdio: 'pipe',
    })
  } catch {
    return context.skip('openssl, which makes the certificate, is not installed (Debian: apt-get install openssl)')
  }
  const { port } = await ours(0, { certFile: at('cert.pem'), keyFile: at('key.pem') })
  const ca = await readFile(at('cert.pem'))
  const [known, unknown] = [watch(`mqtts://localhost:${port}`, { ca }), watch(`mqtts://127.0.0.1:${port}`, { clientId: 'd' })]
  await until(() => known.isUp() && unknown.downs.length > 0)
  const peer = watch(`mqtts://127.0.0.1:${port}`, { ca, clientId: 'e', filters: ['none'] })
  await until(peer.isUp)
  for (let n = 0; n < 300; n++) peer.publish('spBv1.0/g/NDATA/n', Buffer.from(`${n}`))
  await until(() => known.seen.length === 300)
  expect(known.seen[299]).toBe('spBv1.0/g/NDATA/n 299')
  expect(unknown.ups()).toBe(0)
})
