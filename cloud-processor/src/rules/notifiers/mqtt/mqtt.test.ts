import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:net'
import { silentLog, systemClock } from '@millrace/platform'
import { Aedes } from 'aedes'
import { afterEach, expect, test } from 'vitest'
import { exampleNotification, testNotifier } from '../conformance.ts'
import { mqtt } from './mqtt.ts'

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function receiver(more: object = {}) {
  const broker = await Aedes.createBroker()
  const server: Server = createServer(broker.handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(() => new Promise<void>((resolve) => broker.close(() => server.close(() => resolve()))))
  const published: { topic: string; qos: number; body: ReturnType<typeof JSON.parse> }[] = []
  broker.on('publish', ({ topic, qos, payload }, client) => {
    if (client) published.push({ topic, qos, body: JSON.parse(`${payload}`) })
  })
  const { port } = server.address() as AddressInfo
  const config = mqtt.schema.parse({ kind: 'mqtt', url: `mqtt://127.0.0.1:${port}`, ...more })
  const notifier = mqtt.create(config, { target: config.name, clock: systemClock, log: silentLog })
  return { notifier, published, keys: () => published.map(({ body }) => body.key) }
}

testNotifier(mqtt, { url: 'mqtt://127.0.0.1:9' }, receiver)

test('the topic is made from the alarm, and a name adds no level to it', async () => {
  const { notifier, published } = await receiver({ topic: 'ward/{priority}/{device}' })
  await notifier.send(exampleNotification({ device: 'bed/1+#' }), new AbortController().signal)
  expect(published).toMatchObject([{ topic: 'ward/high/bed_1__', qos: 1, body: { subject: expect.stringContaining('anna') } }])
})

test('nobody there is tried again; a password in clear text and a topic with a wildcard are refused', async () => {
  const config = mqtt.schema.parse({ kind: 'mqtt', url: 'mqtt://127.0.0.1:9' })
  const notifier = mqtt.create(config, { target: 'mqtt', clock: systemClock, log: silentLog })
  await expect(notifier.send(exampleNotification(), new AbortController().signal)).rejects.toMatchObject({
    code: 'NOTIFY_UNREACHABLE',
  })
  const parse = (more: object) => mqtt.schema.safeParse({ kind: 'mqtt', url: 'mqtt://broker.example', ...more }).success
  expect([parse({}), parse({ passwordFile: '/p' }), parse({ topic: 'a/#' }), parse({ url: 'mqtt://169.254.1.1' })]).toEqual([
    true,
    false,
    false,
    false,
  ])
})
