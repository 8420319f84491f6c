/**
 * Sparkplug nodes that are not ours: `node test/failures/foreign-node.ts`
 *
 * A real broker and processor, and a node over real MQTT that gives no names and knows no receipts. Its messages are swapped and left
 * out, it obeys rebirths or never does, its old will comes late. The processor puts in order what can be, asks for a rebirth where something
 * is missing and not more often than it may, and asks for nothing because of what is old.
 */
import { join } from 'node:path'
import { addUser, brokerSchema, startBroker } from '@millrace/broker/broker'
import { processorSchema } from '@millrace/cloud-processor/config'
import { openEngines } from '@millrace/cloud-processor/engines'
import { type Processor, startProcessor } from '@millrace/cloud-processor/processor'
import { nodeMetrics } from '@millrace/contract'
import { decodePayload, encodeNodeDeath, encodePayload, formatTopic } from '@millrace/contract/sparkplug'
import { createMetrics, readArguments, silentLog, systemClock } from '@millrace/platform'
import { type Api, openApi } from 'millrace'
import mqtt, { type MqttClient } from 'mqtt'
import { readTopic } from '../support/log-pages.ts'
import { type Program, program } from '../support/program.ts'
import { until } from '../support/until.ts'

readArguments({ call: 'npm run break -- foreign-node' }, {})

const reorderMs = 1000
const rebirthEveryMs = 6000
const password = 'only-for-this-test'
const ids = { group: 'plant', node: 'plc' }
const device = 'press'
const scrypt = { N: 16, r: 1, p: 1 }

await program('foreign-node', async (test) => {
  const users = join(test.dir, 'users')
  await addUser(users, { name: 'plc', password, role: 'node', args: ['plant/plc'], cost: scrypt })
  await addUser(users, { name: 'processor', password, role: 'host', args: ['millrace'], cost: scrypt })
  await addUser(users, { name: 'admin', password, role: 'admin', cost: scrypt })
  const broker = await startBroker(brokerSchema.parse({ listen: { port: 0 }, users }))
  test.atEnd(() => broker.close())
  const url = `mqtt://127.0.0.1:${broker.port}`
  const processor = await restartable(test, url)
  const node = await openNode(url)
  test.atEnd(() => node.close())

  test.say(`reorderMs ${reorderMs}, rebirthEveryMs ${rebirthEveryMs}`)
  await inOrder(test, processor.api, node)
  await missing(test, processor.api, node)
  await stubborn(test, processor.api, node)
  await deaths(test, processor.api, node, url)
  await restart(test, processor, node)
})

type Node = Awaited<ReturnType<typeof openNode>>

async function inOrder(test: Program, api: Api, node: Node): Promise<void> {
  await node.connect(0)
  node.birth()
  for (let n = 0; n < 300; n++) node.send()
  // Two overtaken by those behind them.
  const [a, b, c, d] = [node.make(), node.make(), node.make(), node.make()]
  for (const message of [b, d, a, c]) node.publish(message)
  for (let n = 0; n < 10; n++) node.send()
  await arrived(api, node.count())
  await pause(reorderMs + 2500)
  const values = await valuesOf(api)
  test.check(
    isRising(values) && values.length === 314,
    `${values.length} of 314 readings, over 255 and swapped, once and in order`,
  )
  test.check(node.asked.length === 0, 'nothing was missing: no rebirth was asked')
}

async function missing(test: Program, api: Api, node: Node): Promise<void> {
  const left = node.make()
  for (let n = 0; n < 5; n++) node.send()
  const sinceMs = Date.now()
  await until('a rebirth is asked', () => node.asked.length === 1)
  const tookMs = Date.now() - sinceMs
  test.check(
    tookMs >= reorderMs - 100 && tookMs < reorderMs + 4000,
    `a message is missing: a rebirth is asked after ${tookMs} ms`,
  )
  await until('the births came', () => node.births === 2)
  for (let n = 0; n < 5; n++) node.send()
  await arrived(api, left.n)
  await arrived(api, node.count())
  const values = await valuesOf(api)
  test.check(
    isRising(values) && values.length === 324 && !values.includes(left.n),
    `the others waited no longer and are there: ${values.length} of 324, in order`,
  )
}

async function stubborn(test: Program, api: Api, node: Node): Promise<void> {
  node.obeys(false)
  const asked = node.asked.length
  const before = (await valuesOf(api)).length
  let sent = 0
  for (const endMs = Date.now() + 2 * rebirthEveryMs + 4000; Date.now() < endMs; ) {
    node.make()
    node.send()
    sent++
    await pause(500)
  }
  await arrived(api, node.count())
  const more = node.asked.slice(asked)
  const apart = more.slice(1).map((ms, index) => ms - more[index]!)
  test.check(
    more.length >= 2 && more.length <= 4 && apart.every((ms) => ms >= rebirthEveryMs - 1100),
    `it never obeys and goes on leaving out: asked ${more.length} times, ${apart.join(' and ')} ms apart`,
  )
  const after = (await valuesOf(api)).length
  test.check(after - before === sent, `its data goes on: ${after - before} of ${sent}`)
  node.obeys(true)
}

async function deaths(test: Program, api: Api, node: Node, url: string): Promise<void> {
  await node.connect(1)
  node.birth()
  node.send()
  await arrived(api, node.count())
  const deathsNow = async () => (await readTopic(api, 'timeline')).filter(({ record }) => record.k === 'death').length
  const before = await deathsNow()
  const admin = await mqtt.connectAsync(url, { username: 'admin', password })
  const topic = formatTopic({ ...ids, type: 'NDEATH' })
  await admin.publishAsync(topic, Buffer.from(encodeNodeDeath(0, Date.now())), { qos: 1 })
  await pause(1500)
  test.check((await deathsNow()) === before, 'the will of an earlier session says nothing of this one')
  await admin.publishAsync(topic, Buffer.from(encodeNodeDeath(1, Date.now())), { qos: 1 })
  await until('the death is told', async () => (await deathsNow()) === before + 1)
  test.check(true, 'its own does')
  await admin.endAsync()
}

async function restart(test: Program, processor: Awaited<ReturnType<typeof restartable>>, node: Node): Promise<void> {
  const asked = node.asked.length
  node.obeys(false)
  node.send()
  await until('data after a death asks for a rebirth', () => node.asked.length === asked + 1)
  await processor.again()
  await pause(5000)
  test.check(node.asked.length === asked + 1, 'a restart asks for nothing because of a rebirth request that is on the timeline')
}

/** The processor, and its API after each start. */
async function restartable(test: Program, url: string) {
  const config = processorSchema.parse({
    dataDir: join(test.dir, 'processor'),
    bridge: { url, username: 'processor', password },
    prepare: { reorderMs, rebirthEveryMs },
    web: { port: 0 },
  })
  let running: Processor
  const self = {
    api: undefined as unknown as Api,
    async again() {
      await running?.stop()
      const engines = await openEngines(config, { clock: systemClock, logger: silentLog, metrics: createMetrics() })
      running = await startProcessor(config, engines)
      self.api = openApi(`http://127.0.0.1:${running.webPort}/`)
    },
  }
  await self.again()
  test.atEnd(() => running.stop())
  await pause(1000)
  return self
}

interface Message {
  n: number
  topic: string
  payload: Uint8Array
}

/** A node as others make them. Each reading is one more than the one before, at a time of its own. */
async function openNode(url: string) {
  let client: MqttClient | undefined
  let session = 0
  let seq = 0
  let n = 0
  let lastMs = 0
  let isObedient = true
  const asked: number[] = []
  const topic = (type: 'NBIRTH' | 'NCMD') => formatTopic({ ...ids, type })
  const deviceTopic = (type: 'DBIRTH' | 'DDATA') => formatTopic({ ...ids, type, device })
  const now = () => {
    lastMs = Math.max(Date.now(), lastMs + 1)
    return lastMs
  }
  const put = (to: string, payload: Uint8Array) => void client!.publish(to, Buffer.from(payload), { qos: 0 })
  const node = {
    asked,
    births: 0,
    count: () => n,
    obeys(does: boolean) {
      isObedient = does
    },
    async connect(bdSeq: number) {
      await client?.endAsync(true)
      session = bdSeq
      const will = {
        topic: formatTopic({ ...ids, type: 'NDEATH' }),
        payload: Buffer.from(encodeNodeDeath(bdSeq, Date.now())),
        qos: 1 as const,
        retain: false,
      }
      // Another client's will is sent by hand: it must not come by itself here.
      client = await mqtt.connectAsync(url, { username: 'plc', password, ...(bdSeq > 0 ? { will } : {}) })
      await client.subscribeAsync(topic('NCMD'), { qos: 1 })
      client.on('message', (_topic, payload) => {
        const rebirth = decodePayload(payload).metrics.find(({ name }) => name === nodeMetrics.rebirth)
        if (rebirth?.value !== true) return
        asked.push(Date.now())
        if (isObedient) node.birth()
      })
    },
    birth() {
      node.births++
      seq = 0
      const timestamp = now()
      const bdSeq = { name: nodeMetrics.bdSeq, timestamp, datatype: 'Int64' as const, value: session }
      const rebirth = { name: nodeMetrics.rebirth, timestamp, datatype: 'Boolean' as const, value: false }
      put(topic('NBIRTH'), encodePayload({ timestamp, seq, metrics: [bdSeq, rebirth] }))
      const metric = { name: 'strokes', alias: 3, timestamp, datatype: 'Int64' as const, value: null }
      put(deviceTopic('DBIRTH'), encodePayload({ timestamp, seq: nextSeq(), metrics: [metric] }))
    },
    /** The next message; one that is never published is missing. */
    make(): Message {
      const timestamp = now()
      const metric = { alias: 3, timestamp, datatype: 'Int64' as const, value: ++n }
      return { n, topic: deviceTopic('DDATA'), payload: encodePayload({ timestamp, seq: nextSeq(), metrics: [metric] }) }
    },
    publish: ({ topic: to, payload }: Message) => put(to, payload),
    send: () => node.publish(node.make()),
    close: () => client?.endAsync(true),
  }
  const nextSeq = () => {
    seq = (seq + 1) % 256
    return seq
  }
  return node
}

async function valuesOf(api: Api): Promise<number[]> {
  const lines = await readTopic(api, 'timeline')
  const readings = lines.filter(({ record }) => record.k === 'readings' && record.device === device)
  return readings.flatMap(({ record }) => (record.channels as { strokes: { v: number[] } }).strokes.v)
}

/** Any value from this one on. */
async function arrived(api: Api, n: number): Promise<void> {
  await until(`reading ${n} is on the timeline`, async () => (await valuesOf(api)).some((value) => value >= n))
}

function isRising(values: number[]): boolean {
  return values.every((value, index) => index === 0 || value > values[index - 1]!)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
