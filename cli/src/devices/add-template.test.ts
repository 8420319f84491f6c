import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addUser, brokerSchema, startBroker } from '@millrace/broker/broker'
import { connectAsync } from 'mqtt'
import { afterEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { addDevice } from './add.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** @param reset so many connections of the processor are reset before one goes through */
async function network(reset = 0) {
  const data = mkdtempSync(join(tmpdir(), 'millrace-device-'))
  undo.push(() => rmSync(data, { recursive: true }))
  const users = join(data, 'broker.users')
  const cost = { N: 16, r: 1, p: 1 }
  await addUser(users, { name: 'processor', password: 'p', role: 'host', args: ['millrace', 'other/#'], cost })
  await addUser(users, { name: 'maker', password: 'p', role: 'admin', args: [], cost })
  const broker = await startBroker(brokerSchema.parse({ listen: { port: 0 }, users }))
  undo.push(() => broker.close())
  const url = `mqtt://127.0.0.1:${broker.port}`
  let left = reset
  const between = createServer((socket) => {
    if (left-- > 0) return socket.resetAndDestroy()
    const onward = connect(broker.port, '127.0.0.1')
    for (const end of [socket, onward]) end.on('error', () => {})
    socket.pipe(onward).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(between, 'listening')
  undo.push(() => between.close())
  const { port } = between.address() as AddressInfo
  const bridge = `{ url: "mqtt://127.0.0.1:${port}", username: processor, password: p }`
  writeFileSync(join(data, 'processor.yaml'), `# mine\nbridge: ${bridge}\n`)
  const peer = await connectAsync(url, { username: 'maker', password: 'p' })
  undo.push(() => peer.endAsync(true))
  return { data, publish: (topic: string, payload: string) => peer.publishAsync(topic, payload) }
}

test.each([
  ['z2m/#', 'z2m/lamp', '{"state":"ON","linkquality":90}', { template: 'zigbee2mqtt', base: 'z2m' }, 'z2m/#'],
  ['tele/plug-1/SENSOR', 'tele/plug-1/SENSOR', '{"ENERGY":{"Power":5}}', { template: 'tasmota' }, 'stat/#'],
])(
  'a device of a known maker on %s gets its template, once',
  { timeout: 30_000 },
  async (topic, published, payload, entry, filter) => {
    const { data, publish } = await network()
    const publishing = setInterval(() => void publish(published, payload), 200)
    undo.push(() => clearInterval(publishing))
    const add = (name: string) => addDevice({ data, topic, name, seconds: 10 }, () => {})
    expect(await add('one')).toMatchObject({ template: entry })
    expect(await add('two')).toMatchObject({ template: entry })
    const text = readFileSync(join(data, 'processor.yaml'), 'utf8')
    expect(parse(text).devices).toEqual([entry])
    expect(text).toContain('# mine')
    expect(readFileSync(join(data, 'broker.users'), 'utf8')).toContain(filter)
  },
)

test('a connection that the broker ends, since its users changed, is made again', { timeout: 30_000 }, async () => {
  const { data, publish } = await network(2)
  const publishing = setInterval(() => void publish('lab/one/state', '{"temp":21.5}'), 200)
  undo.push(() => clearInterval(publishing))
  const added = await addDevice({ data, topic: 'lab/one/state', seconds: 10 }, () => {})
  expect(added.proposal).toMatchObject({ channels: [{ name: 'temp' }] })
})
