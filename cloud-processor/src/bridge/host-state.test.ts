/** STATE as a node, a second bridge and a listing test see it, on our broker. */
import { brokerSchema, startBroker } from '@millrace/broker/broker'
import { decodeState, type HostState } from '@millrace/contract/sparkplug'
import { silentLog, systemClock } from '@millrace/platform'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Transport } from './bridge.ts'
import { bridgeSchema } from './config.ts'
import { connectTransport } from './mqtt.ts'

const undo: (() => unknown)[] = []
let url: string
let peer: MqttClient
let said: HostState[]
beforeEach(async () => {
  const broker = await startBroker(brokerSchema.parse({ listen: { port: 0 }, dangerouslyAllowAnonymous: true }))
  undo.push(() => broker.close())
  url = `mqtt://127.0.0.1:${broker.port}`
  peer = await connectAsync(url)
  undo.push(() => peer.endAsync(true))
  said = []
  peer.on('message', (_topic, payload) => said.push(decodeState(payload)!))
  await peer.subscribeAsync('spBv1.0/STATE/millrace', { qos: 1 })
})
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

function open(instance = 'a'): Transport {
  const transport = connectTransport(bridgeSchema.parse({ url }), { clock: systemClock, logger: silentLog, instance })
  undo.push(() => transport.close())
  return transport
}
async function until(done: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 5000; !done(); await pause(5)) if (performance.now() > endMs) throw new Error('in vain')
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('a clean goodbye carries the time of disconnecting', async () => {
  const host = open()
  await host.lead(true)
  await until(() => said.length === 1)
  await pause(50)
  const beforeMs = Date.now()
  await host.close()
  await until(() => said.length === 2)
  expect(said.map(({ online }) => online)).toEqual([true, false])
  expect(said[1]!.timestamp >= beforeMs).toBe(true)
})

test('data, STATE and its will have one connection; a second bridge says nothing of its own', async () => {
  const [leader, other] = [open('a'), open('b')]
  await leader.lead(true)
  await until(() => leader.connected() && other.connected() && said.length === 1)
  const received: string[] = []
  leader.onMessage((topic) => received.push(topic))
  peer.publish('spBv1.0/g/NDATA/n', 'x')
  await until(() => received.includes('spBv1.0/g/NDATA/n'))
  await other.close()
  await pause(50)
  expect(said.length).toBe(1)
})

test('an offline that another client published is answered with a later online', async () => {
  const host = open()
  await host.lead(true)
  await until(() => said.length === 1)
  const timestamp = said[0]!.timestamp + 60_000
  await peer.publishAsync('spBv1.0/STATE/millrace', JSON.stringify({ online: false, timestamp }), { qos: 1, retain: true })
  await until(() => said.length === 3)
  expect(said[2]!.online && said[2]!.timestamp > timestamp).toBe(true)
})

test('an older offline that is retained is replaced by the birth, which has the time of its will', async () => {
  await peer.publishAsync('spBv1.0/STATE/millrace', JSON.stringify({ online: false, timestamp: 1000 }), { qos: 1, retain: true })
  await until(() => said.length === 1)
  const host = open()
  await host.lead(true)
  await until(() => said.length === 2)
  await pause(50)
  expect(said.length).toBe(2)
  expect(said[1]!.online).toBe(true)
})
