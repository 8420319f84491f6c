/** Clients of the broker, byte by byte: what they may not say, how much they may hold, and what is told of it. */
import { connect as connectTcp } from 'node:net'
import { addUser } from '@millrace/broker/broker'
import { connect, publish, subscribe } from '@millrace/broker/testing/packets'
import { freePort } from '@millrace/platform/testing/free-port'
import WebSocket from 'ws'
import { afterConnect, insteadOfConnect, type Malformed } from '../../../broker/src/testing/malformed.ts'
import { connectRaw } from '../../../broker/src/testing/raw-client.ts'
import { serviceIn } from '../../support/service.ts'
import { mains, password, type Scene } from './scene.ts'
import { anyOf, type Check, clauses, type Group } from './sheet.ts'

const limits = {
  clientsPerUser: 8,
  subscriptionsPerClient: 10,
  preAuthConnections: 16,
  connectTimeoutMs: 1500,
  connectionsPerAddress: 60,
}

export const wireGroup: Group = {
  name: 'wire',
  async run(scene, check) {
    const wire = await startWire(scene)
    await malformed(wire, 'packets after CONNECT', afterConnect, check)
    await malformed(wire, 'packets instead of CONNECT', insteadOfConnect, check)
    await greetings(wire, check)
    await quotas(wire, check)
    await crowds(wire, check)
    await audit(wire, check)
    await origins(wire, check)
  },
}

interface Entry {
  reason: string
  user?: string
  topic?: string
  count: number
}

interface Wire {
  port: number
  webSocketPort: number
  refusals(): Promise<Entry[]>
  /** How often it was refused for this reason. */
  count(reason: string): Promise<number>
}

/** A broker of its own, without TLS, whose limits are low. */
async function startWire({ test, dir }: Scene): Promise<Wire> {
  const [port, webSocketPort, metricsPort] = [await freePort(), await freePort(), await freePort()]
  const users = `${dir}/wire-users`
  const cost = { N: 16, r: 1, p: 1 }
  await addUser(users, { name: 'admin', password: 'secret-a', role: 'admin', cost })
  await addUser(users, { name: 'node', password, role: 'node', args: ['ward/bed1'], cost })
  const config = { listen: { port }, websocket: { port: webSocketPort }, users, metrics: { port: metricsPort }, limits }
  await serviceIn(test)('wire-broker', mains.broker, config, /"listening"/).start()
  const url = `http://127.0.0.1:${metricsPort}`
  return {
    port,
    webSocketPort,
    refusals: async () => (await (await fetch(`${url}/refusals`)).json()) as Entry[],
    async count(reason) {
      const text = await (await fetch(`${url}/metrics`)).text()
      return Number(new RegExp(`^millrace_broker_refused_total\\{reason="${reason}"\\} (\\d+)`, 'm').exec(text)?.[1] ?? 0)
    },
  }
}

const good = connect({ user: 'admin', password: 'secret-a', clientId: 'admin' })

/** Each by itself, so that each has to have its own reason. */
async function malformed({ port, count }: Wire, what: string, all: Malformed[], check: Check): Promise<void> {
  const wrong: string[] = []
  for (const [title, bytes, reason] of all) {
    const before = await count(reason)
    const raw = await connectRaw(port)
    if (all === afterConnect) {
      raw.send(connect({ user: 'admin', password: 'secret-a' }))
      await raw.receive(4)
    }
    raw.send(bytes)
    const isClosed = await Promise.race([raw.closed.then(() => true), late(3000)])
    raw.socket.destroy()
    if (!isClosed || (await count(reason)) <= before) wrong.push(`${title}: ${isClosed ? 'another reason' : 'not closed'}`)
  }
  check(clauses.input, `${all.length} malformed ${what} are refused, each with its reason`, anyOf(wrong))
}

const late = (ms: number) => new Promise<false>((resolve) => setTimeout(resolve, ms, false))

/** The answer to a CONNECT, 255 where there was none. */
async function answerTo(port: number, bytes: Buffer): Promise<number> {
  const raw = await connectRaw(port)
  raw.send(bytes)
  const code = await raw.receive(4).then(
    (answer) => answer[3]!,
    () => 255,
  )
  raw.socket.destroy()
  return code
}

async function greetings({ port, count }: Wire, check: Check): Promise<void> {
  const holder = await connectRaw(port)
  holder.send(good)
  await holder.receive(4)
  const cases: [string, string, Buffer][] = [
    ['a client without a user name', 'anonymous', connect({ clientId: 'x' })],
    ['a wrong password', 'bad-credentials', connect({ clientId: 'x', user: 'node', password: 'wrong' })],
    ['an unknown user', 'bad-credentials', connect({ clientId: 'x', user: 'nobody', password })],
    ['the user __proto__', 'bad-credentials', connect({ clientId: 'x', user: '__proto__', password })],
    ['the client id of another user', 'client-id-taken', connect({ clientId: 'admin', user: 'node', password })],
    [
      'a will that is the death of another node',
      'will-forbidden',
      connect({ clientId: 'x', user: 'node', password, will: { topic: 'spBv1.0/ward/NDEATH/bed2' } }),
    ],
  ]
  for (const [what, reason, bytes] of cases) {
    const before = await count(reason)
    const code = await answerTo(port, bytes)
    check(clauses.mqttClient, `${what} is refused`, code !== 0 && (await count(reason)) > before ? undefined : `CONNACK ${code}`)
  }
  holder.socket.destroy()
  const codes: number[] = []
  for (let k = 0; k < 14; k++)
    codes.push(await answerTo(port, connect({ clientId: 'g', user: 'guessed', password: `wrong-${k}` })))
  check(
    clauses.bruteForce,
    'wrong passwords of one user and address are not looked at any more',
    codes.at(-1) !== 3 && `${codes}`,
  )
  check(
    clauses.bruteForce,
    'while another user is let in',
    (await answerTo(port, connect({ clientId: 'n', user: 'node', password }))) !== 0 && 'it is not',
  )
}

async function quotas({ port, count }: Wire, check: Check): Promise<void> {
  const clients = await Promise.all(Array.from({ length: limits.clientsPerUser }, () => connectRaw(port)))
  for (const [at, raw] of clients.entries()) {
    raw.send(connect({ clientId: `q${at}`, user: 'node', password }))
    await raw.receive(4)
  }
  check(
    clauses.resources,
    'one client more of a user is refused',
    (await answerTo(port, connect({ clientId: 'q-more', user: 'node', password }))) !== 3 && 'it is let in',
  )
  check(clauses.resources, 'while another user is let in', (await answerTo(port, good)) !== 0 && 'it is not')
  const [one] = clients as [Awaited<ReturnType<typeof connectRaw>>]
  const filters = Array.from({ length: limits.subscriptionsPerClient + 1 }, (_, k) => `spBv1.0/ward/NCMD/bed1/${k}`)
  one.send(subscribe(filters))
  const suback = await one.receive(4 + 4 + filters.length)
  check(
    clauses.resources,
    'one subscription more of a client is refused',
    suback.at(-1) !== 0x80 && `SUBACK ${suback.subarray(4).toString('hex')}`,
  )
  one.send(Buffer.concat([Buffer.from([0x30, 0x80, 0xad, 0xe2, 0x04]), Buffer.alloc(1000)]))
  check(
    clauses.resources,
    'a message of 10 MB ends its connection at its header',
    (await Promise.race([one.closed.then(() => true), late(2000)])) ? undefined : 'it does not',
  )
  const other = clients[1]!
  const before = await count('publish-forbidden')
  other.send(publish('spBv1.0/ward/NDATA/bed2', 'x'))
  const isClosed = await Promise.race([other.closed.then(() => true), late(2000)])
  check(
    clauses.mqttRights,
    'a message to a topic of another node ends its connection and is counted',
    isClosed && (await count('publish-forbidden')) > before ? undefined : 'it does not',
  )
  for (const { socket } of clients) socket.destroy()
}

async function crowds({ port, count }: Wire, check: Check): Promise<void> {
  const silent = await connectRaw(port)
  const isCut = await Promise.race([silent.closed.then(() => true), late(limits.connectTimeoutMs + 2000)])
  check(clauses.mqttAbnormal, 'a connection without a CONNECT is closed in time', isCut ? undefined : 'it is not')
  const idle = await Promise.all(Array.from({ length: 2 * limits.preAuthConnections }, () => connectRaw(port)))
  check(clauses.mqttAbnormal, 'idle connections do not lock a client out', (await answerTo(port, good)) !== 0 && 'they do')
  check(clauses.resources, 'and are bounded', (await count('pre-auth-full')) === 0 && 'none was closed')
  for (const { socket } of idle) socket.destroy()
}

const invented = 1300

/** Each from an address of its own, which is an entry of its own. */
async function audit({ port, refusals }: Wire, check: Check): Promise<void> {
  const entries = await refusals()
  const forbidden = entries.find(({ reason }) => reason === 'publish-forbidden')
  check(
    clauses.audit,
    'the audit of refusals names reason, user and topic',
    forbidden?.user === 'node' && forbidden.topic === 'spBv1.0/ward/NDATA/bed2' ? undefined : JSON.stringify(forbidden),
  )
  const text = JSON.stringify(entries)
  check(
    clauses.audit,
    'and no password',
    [password, 'secret-a', 'wrong-1'].some((secret) => text.includes(secret)) && text.slice(0, 200),
  )
  for (let k = 0; k < invented; k += 10)
    await Promise.all(Array.from({ length: 10 }, (_, n) => refusedFrom(port, `127.1.${(k + n) >> 8}.${(k + n) & 255}`)))
  const { length } = await refusals()
  check(
    clauses.resources,
    'the audit of refusals is bounded',
    length > 1000 || length < 900 ? `${length} entries after ${invented} addresses` : undefined,
  )
}

function refusedFrom(port: number, localAddress: string): Promise<unknown> {
  const socket = connectTcp({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => {}).resume()
  socket.write(connect({ clientId: 'x' }))
  return new Promise((resolve) => socket.once('close', resolve))
}

async function origins({ webSocketPort }: Wire, check: Check): Promise<void> {
  const opens = (path: string, headers: Record<string, string>, protocol = 'mqtt') =>
    new Promise<boolean>((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${webSocketPort}${path}`, protocol, { headers })
      socket.on('open', () => resolve(true)).on('error', () => resolve(false))
      setTimeout(() => socket.terminate(), 1000)
    })
  check(
    clauses.misconfiguration,
    'WebSocket: a page of another site may not connect',
    (await opens('/mqtt', { origin: 'https://evil.example' })) && 'it may',
  )
  check(clauses.misconfiguration, 'WebSocket: another path is refused', (await opens('/other', {})) && 'it is not')
  check(clauses.misconfiguration, 'WebSocket: a program may', (await opens('/mqtt', {})) ? undefined : 'it may not')
}
