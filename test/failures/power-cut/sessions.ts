/**
 * The broker's store of sessions, over real MQTT: a device publishes QoS 1 with many in flight, a session that is away is owed all of it, and
 * another one takes and acknowledges its own.
 *
 * Said: `kept` with the number of a message whose PUBACK came.
 */
import { join } from 'node:path'
import { type Broker, brokerSchema, startBroker } from '@millrace/broker/broker'
import mqtt from 'mqtt'
import { until } from '../../support/until.ts'
import { type Found, itemValue, nothingFound, type Said, type Subject } from './subject.ts'

const file = 'sessions.sqlite'
const topic = 'plain/d1'
const inFlight = 60

export const sessions: Subject = { write, check, file }

const open = (folder: string) =>
  startBroker(brokerSchema.parse({ listen: { port: 0 }, dangerouslyAllowAnonymous: true, store: { path: join(folder, file) } }))

function connect(broker: Broker, clientId: string) {
  return mqtt.connect(`mqtt://127.0.0.1:${broker.port}`, { clientId, clean: false, reconnectPeriod: 0 })
}

/** 20 bytes to 2 KB. */
function payloadOf(seed: number, n: number): string {
  return `${n} `.padEnd(20 + ((itemValue(seed, n) >>> 0) % 2000), `${itemValue(seed + 1, n)}`)
}

async function write(folder: string, seed: number, say: (line: Said) => void): Promise<void> {
  const broker = await open(folder)
  for (const clientId of ['away', 'here']) {
    const client = connect(broker, clientId)
    await client.subscribeAsync('plain/#', { qos: 1 })
    if (clientId === 'away') await client.endAsync()
  }
  const device = connect(broker, 'device')
  await new Promise<void>((resolve) => device.once('connect', () => resolve()))
  let n = 0
  const publish = async () => {
    for (;;) {
      const own = n++
      await device.publishAsync(topic, payloadOf(seed, own), { qos: 1 })
      say(['kept', own])
    }
  }
  await Promise.all(Array.from({ length: inFlight }, publish))
}

async function check(folder: string, seed: number, said: Said[]): Promise<Found> {
  const found = nothingFound()
  const broker = await open(folder)
  const got: string[] = []
  const client = connect(broker, 'away')
  client.on('message', (_topic, payload) => got.push(`${payload}`))
  const here = connect(broker, 'here')
  await until('everything is delivered', () => broker.stats().owed === 0)
  await Promise.all([client.endAsync(), here.endAsync()])
  await broker.close()
  const numbers = got.map((text) => Number(text.split(' ')[0]))
  const all = new Set(numbers)
  const promised = said.map(([, n]) => n as number)
  found.acknowledged = promised.length
  found.lost = promised.filter((n) => !all.has(n)).length
  found.doubled = numbers.length - all.size
  found.altered = got.filter((text, k) => text !== payloadOf(seed, numbers[k]!)).length
  found.beyond = all.size - promised.length + found.lost
  return found
}
