/** Retained messages and wills over a restart, with `store`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Broker, brokerSchema, startBroker } from './broker.ts'

let dir: string
let broker: Broker | undefined
const clients: MqttClient[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-restart-'))
})
afterEach(async () => {
  for (const one of clients.splice(0)) await one.endAsync(true)
  await broker?.close()
  broker = undefined
  await rm(dir, { recursive: true })
})

/** A copy of the file is what a killed broker leaves. */
async function start(file = 'a', willsAfterMs = 50, limits = {}): Promise<Broker> {
  const store = { path: join(dir, file), willsAfterMs }
  broker = await startBroker(brokerSchema.parse({ listen: { port: 0 }, dangerouslyAllowAnonymous: true, store, limits }))
  return broker
}

async function client(options: IClientOptions = {}): Promise<MqttClient> {
  const one = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker!.port}`, { reconnectPeriod: 0, ...options })
  one.on('error', () => {})
  clients.push(one)
  return one
}

/** All that a subscription brings within a while. */
async function heard(filter: string, ms = 200): Promise<Record<string, string>> {
  const one = await client()
  const found: Record<string, string> = {}
  one.on('message', (topic, payload, { retain }) => {
    found[topic] = `${payload}${retain ? '' : ' live'}`
  })
  await one.subscribeAsync(filter, { qos: 1 })
  await new Promise((resolve) => setTimeout(resolve, ms))
  return found
}

test('1,000 retained topics are there after a restart, as they were last', async () => {
  await start()
  const one = await client()
  const all = Array.from({ length: 1000 }, (_, n) => `lab/${n}/state`)
  await Promise.all(all.map((topic, n) => one.publishAsync(topic, `old ${n}`, { qos: 1, retain: true })))
  await Promise.all(all.map((topic, n) => one.publishAsync(topic, `${n}`, { qos: (n % 2) as 0 | 1, retain: true })))
  for (const n of [1, 2, 3]) await one.publishAsync(all[n]!, `${n}`, { qos: 2, retain: true })
  await one.publishAsync('lab/7/state', '', { qos: 1, retain: true })
  await one.endAsync()
  await broker!.close()
  await start()
  expect(broker!.stats().retained).toBe(999)
  const found = await heard('lab/#', 800)
  expect(Object.keys(found).length).toBe(999)
  expect(found['lab/7/state']).toBe(undefined)
  for (const [n, topic] of all.entries()) if (n !== 7) expect(found[topic]).toBe(`${n}`)
})

test('a retained message is on disk before its PUBACK', async () => {
  await start()
  const one = await client()
  await one.publishAsync('a', 'x', { qos: 1, retain: true })
  const { DatabaseSync } = await import('node:sqlite')
  await broker!.close()
  const db = new DatabaseSync(join(dir, 'a'), { readOnly: true })
  expect(
    db
      .prepare('SELECT topic, qos FROM retained')
      .all()
      .map((row) => ({ ...row })),
  ).toEqual([{ topic: 'a', qos: 1 }])
  db.close()
  broker = undefined
})

test('over the bound a retained message is not kept, on disk neither', async () => {
  await start('a', 50, { retainedMessages: 2 })
  const one = await client()
  for (const topic of ['a', 'b', 'c']) await one.publishAsync(topic, topic, { qos: 1, retain: true })
  await broker!.close()
  await start('a', 50)
  expect(await heard('#')).toEqual({ a: 'a', b: 'b' })
})

/** As a kill leaves it: the file as it is while the client is connected. */
async function killed(): Promise<void> {
  const { DatabaseSync } = await import('node:sqlite')
  const { copyFile } = await import('node:fs/promises')
  void DatabaseSync
  for (const end of ['', '-wal']) await copyFile(join(dir, `a${end}`), join(dir, `b${end}`)).catch(() => {})
  for (const one of clients.splice(0)) await one.endAsync(true)
  await broker!.close()
}

const will = { topic: 'gone', payload: Buffer.from('yes'), qos: 1 as const, retain: true }

test('the will of a client that does not return is published after a restart, once', async () => {
  await start()
  await client({ clientId: 'c', will })
  await killed()
  await start('b')
  expect(await heard('gone', 400)).toEqual({ gone: 'yes live' })
  await broker!.close()
  await start('b')
  expect(await heard('gone')).toEqual({ gone: 'yes' })
})

test('the will of a client that returns in time is not', async () => {
  await start()
  await client({ clientId: 'c', will })
  await killed()
  await start('b', 300)
  await client({ clientId: 'c' })
  expect(await heard('gone', 500)).toEqual({})
})

test('a client that took over from itself still has its will', async () => {
  await start()
  await client({ clientId: 'c', will })
  await client({ clientId: 'c', will: { ...will, payload: Buffer.from('second') } })
  await new Promise((resolve) => setTimeout(resolve, 100))
  const reader = await client()
  await reader.publishAsync('gone', '', { qos: 1, retain: true })
  await killed()
  await start('b')
  expect(await heard('gone', 400)).toEqual({ gone: 'second live' })
})
