/** Holes planted in enrolment, renewal and revocation, each as one wrapped part: the check that is there for it sees it. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brokerSchema, startBroker } from '@millrace/broker/broker'
import { proofText } from '@millrace/contract/enrolment'
import { type Clock, silentLog, systemClock } from '@millrace/platform'
import mqtt from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { authorityIn, issueServer } from '../../cli/src/ca/authority.ts'
import { caSchema } from '../../cli/src/ca/config.ts'
import { type EnrolContext, enrol, renew } from '../../cli/src/ca/enrol.ts'
import { initCa, registerIn } from '../../cli/src/ca/init.ts'
import { issueTo } from '../../cli/src/ca/issue.ts'
import { listsIn, writeLists } from '../../cli/src/ca/lists.ts'
import { type Known, Register } from '../../cli/src/ca/register.ts'
import { type Endpoint, serveCa } from '../../cli/src/ca/serve.ts'
import { Renewal, type RenewalContext } from '../../edge-agent/src/credential/renewal.ts'
import { requestFor } from '../../edge-agent/src/credential/request.ts'
import { Slots } from '../../edge-agent/src/credential/slots.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-planted-'))
const dir = join(root, 'ca')
const server = { certFile: join(root, 'server.crt'), keyFile: join(root, 'server.key') }
const dayMs = 86_400_000
let register: Register
let endpoint: Endpoint
let names = 0

beforeAll(async () => {
  await initCa(dir, 'Test')
  await issueServer(dir, ['127.0.0.1'], server)
  register = new Register(registerIn(dir), systemClock)
  const config = caSchema.parse({ listen: { port: 0 }, tls: server })
  endpoint = await serveCa(config, { dir, register, clock: systemClock, log: silentLog })
})
afterAll(async () => {
  await endpoint.close()
  register.close()
  rmSync(root, { recursive: true })
})

type Parts = EnrolContext['register']
const real = (): Parts => ({
  useToken: (secret, key) => register.useToken(secret, key),
  ofKey: (key) => register.ofKey(key),
  ofSerial: (serial) => register.ofSerial(serial),
  isRecent: (known) => register.isRecent(known),
  add: (name, key, issued, after) => register.add(name, key, issued, after),
})
const context = (parts: Parts, clock: Pick<Clock, 'now'> = systemClock) =>
  ({ dir, register: parts, clock, certificateDays: 14, graceDays: 90 }) satisfies EnrolContext
const newName = () => `ward/planted-${++names}`
const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const given = (answer: Known | string): answer is Known => typeof answer === 'object'

/** Whether of two keys with one token one alone is given a certificate, one after the other and at the same time. */
async function usesTokenOnce(parts: Parts): Promise<boolean> {
  const counts: number[] = []
  for (const isRace of [false, true]) {
    const name = newName()
    const secret = register.makeToken(name, 60_000)
    const ask = () => enrol({ secret, request: requestFor(name, newKey()) }, context(parts))
    const answers = isRace ? await Promise.all([ask(), ask(), ask()]) : [await ask(), await ask()]
    counts.push(answers.filter(given).length)
  }
  return counts.every((count) => count === 1)
}

async function enrolled(): Promise<{ name: string; key: KeyObject; known: Known }> {
  const [name, key] = [newName(), newKey()]
  const known = await enrol({ secret: register.makeToken(name, 60_000), request: requestFor(name, key) }, context(real()))
  return { name, key, known: known as Known }
}

const askAgain = ({ name, key, known }: Awaited<ReturnType<typeof enrolled>>, parts: Parts, clock?: Pick<Clock, 'now'>) => {
  const request = requestFor(name, newKey())
  const proof = sign('sha256', Buffer.from(proofText(request)), key).toString('base64')
  return renew({ certificate: known.certificate, request, proof }, context(parts, clock))
}

/** Whether one that was off may return, and a revoked one may not. */
async function graceKnowsRevocation(parts: Parts): Promise<boolean> {
  const later = { now: () => Date.now() + 60 * dayMs }
  const [away, revoked] = [await enrolled(), await enrolled()]
  register.revoke(revoked.name, 'test')
  return given(await askAgain(away, parts, later)) && (await askAgain(revoked, parts, later)) === 'revoked'
}

/** Whether a revoked client is closed within a second on both listeners. */
async function revocationCloses(clock: Clock): Promise<boolean> {
  const tls = { ...server, clientCaFile: authorityIn(dir).certFile, revokedFile: listsIn(dir).revokedFile }
  const websocket = { port: 0 }
  const broker = await startBroker(brokerSchema.parse({ listen: { port: 0 }, websocket, tls }), { clock })
  const [name, to] = [newName(), join(root, 'issued')]
  mkdirSync(to, { recursive: true })
  const { certFile, keyFile } = await issueTo({ dir, to, name, register, days: 1, servers: undefined })
  const [cert, key, ca] = [certFile, keyFile, authorityIn(dir).certFile].map((path) => readFileSync(path))
  const urls = [`mqtts://127.0.0.1:${broker.port}`, `wss://127.0.0.1:${broker.webSocketPort}/mqtt`]
  const options = { cert: cert!, key: key!, ca: ca!, reconnectPeriod: 0 }
  const clients = await Promise.all(urls.map((url) => mqtt.connectAsync(url, options, false)))
  const closed = clients.map(
    (client) => new Promise((resolve) => client.on('error', () => {}).once('close', () => resolve(true))),
  )
  register.revoke(name, undefined)
  await writeLists(dir, register)
  const late = new Promise<false>((resolve) => setTimeout(resolve, 1000, false))
  const isClosed = await Promise.all(closed.map((one) => Promise.race([one, late])))
  await Promise.all(clients.map((client) => client.endAsync(true)))
  await broker.close()
  return isClosed.every(Boolean)
}

/** Whether the old credential stays while the broker refuses the next one, and is replaced once it takes it. */
async function oldOneStays(plant: (slots: Slots) => RenewalContext['slots']): Promise<boolean> {
  const { name, key, known } = await enrolled()
  const slots = new Slots(mkdtempSync(join(root, 'gateway-')))
  slots.put('current', { key, certificate: known.certificate })
  const before = slots.read('current')!.certificate.serialNumber
  const clock = { ...systemClock, now: () => Date.now() + 10 * dayMs }
  const url = `https://127.0.0.1:${endpoint.port}`
  const parts = { slots: plant(slots), url, name, caFile: authorityIn(dir).certFile, clock, log: silentLog }
  await new Renewal({ ...parts, connects: () => Promise.reject(new Error('refused')) }).attempt()
  const isThere = slots.read('current')?.certificate.serialNumber === before && slots.read('next') !== undefined
  await new Renewal({ ...parts, connects: async () => {} }).attempt()
  return isThere && slots.read('current')?.certificate.serialNumber !== before && slots.read('next') === undefined
}

test('a token is good for one key, also when several race', async () => {
  expect(await usesTokenOnce(real())).toBe(true)
  const planted: Parts = {
    ...real(),
    useToken(secret, key) {
      const answer = register.useToken(secret, key)
      return answer === 'token-used' ? { name: newName() } : answer
    },
  }
  expect(await usesTokenOnce(planted)).toBe(false)
})

test('grace is for those that were off, not for those that were revoked', async () => {
  expect(await graceKnowsRevocation(real())).toBe(true)
  const planted: Parts = {
    ...real(),
    ofSerial(serial) {
      const known = register.ofSerial(serial)
      return known && { ...known, revokedMs: null }
    },
    add(name, key, issued) {
      register.record(name, key, issued)
      return register.ofKey(key)!
    },
  }
  expect(await graceKnowsRevocation(planted)).toBe(false)
})

test('revocation between the question and the answer gives no certificate', async () => {
  const gateway = await enrolled()
  const parts: Parts = {
    ...real(),
    add(name, key, issued, after) {
      register.revoke(name, 'test')
      return register.add(name, key, issued, after)
    },
  }
  expect(await askAgain(gateway, parts)).toBe('revoked')
})

test('revocation closes sessions on every listener within a second', async () => {
  expect(await revocationCloses(systemClock)).toBe(true)
  const blind: Clock = { ...systemClock, after: (ms, call) => (ms === 250 ? () => {} : systemClock.after(ms, call)) }
  expect(await revocationCloses(blind)).toBe(false)
})

test('the old certificate stays until a connection with the next one has succeeded', async () => {
  expect(await oldOneStays(bound)).toBe(true)
  const hasty = (slots: Slots) => ({
    ...bound(slots),
    put(slot: 'current' | 'next', credential: Parameters<Slots['put']>[1]) {
      slots.put(slot, credential)
      if (slot === 'next') rmSync(slots.current)
    },
  })
  expect(await oldOneStays(hasty)).toBe(false)
})

function bound(slots: Slots): RenewalContext['slots'] {
  return {
    next: slots.next,
    read: (slot) => slots.read(slot),
    requestKey: (of) => slots.requestKey(of),
    put: (slot, credential) => slots.put(slot, credential),
    forgetKeys: () => slots.forgetKeys(),
    promote: () => slots.promote(),
    dropNext: () => slots.dropNext(),
  }
}
