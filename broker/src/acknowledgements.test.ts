/** Acknowledgements, topics that begin with $, credentials and shared subscriptions, packet by packet. */
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type Broker, brokerSchema, startBroker } from './broker.ts'
import { connect, packet, publish, subscribe } from './testing/packets.ts'
import { connectRaw, type RawClient } from './testing/raw-client.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const ids = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const
const acknowledge = (kind: keyof typeof ids, id: number) => packet(ids[kind], [id >> 8, id & 255])
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function open(more: Record<string, unknown> = {}): Promise<Broker> {
  const broker = await startBroker(brokerSchema.parse({ listen: { port: 0 }, dangerouslyAllowAnonymous: true, ...more }))
  undo.push(() => broker.close())
  return broker
}

async function client(broker: Broker, fields: Parameters<typeof connect>[0] = {}): Promise<RawClient> {
  const raw = await connectRaw(broker.port)
  undo.push(() => raw.socket.destroy())
  raw.send(connect(fields))
  await raw.receive(4)
  return raw
}

const isClosed = (raw: RawClient) => Promise.race([raw.closed.then(() => true), pause(300).then(() => false)])

/** A session that was sent one message; the identifier it has. */
async function owed(broker: Broker, qos: 1 | 2): Promise<{ raw: RawClient; id: number; at: number }> {
  const raw = await client(broker, { clientId: 's', clean: false })
  raw.send(subscribe(['a'], 2))
  await raw.receive(9)
  const peer = await client(broker)
  peer.send(publish('a', 'x', qos))
  const sent = await raw.receive(9 + 8)
  return { raw, id: sent.readUInt16BE(9 + 5), at: 17 }
}

const stores = [
  ['in memory', () => ({})],
  [
    'on disk',
    () => {
      const path = join(tmpdir(), `millrace-ack-${process.pid}-${Math.random()}.sqlite`)
      undo.push(() => rm(path, { force: true }))
      return { store: { path } }
    },
  ],
] as const

describe.each(stores)('a session %s', (_where, more) => {
  const wrong = [
    [1, ['pubrec']],
    [1, ['pubcomp']],
    [2, ['puback']],
    [2, ['pubcomp']],
    [2, ['pubrec', 'puback']],
  ] as const
  test.each(wrong)('a message of QoS %i that is answered by %s is not freed, and its connection ends', async (qos, answers) => {
    const broker = await open(more())
    const { raw, id } = await owed(broker, qos)
    for (const answer of answers) {
      raw.send(acknowledge(answer, id))
      await pause(50)
    }
    expect(await isClosed(raw)).toBe(true)
    expect(broker.stats().refused['wrong-acknowledgement']).toBe(1)
    const again = await client(broker, { clientId: 's', clean: false })
    const [first] = await again.receive(5).then((bytes) => [bytes[4]!])
    expect(answers.length === 1 ? first! >> 4 : first).toBe(answers.length === 1 ? 3 : 0x62)
  })

  test('an acknowledgement of an earlier connection that does not fit frees nothing', async () => {
    const broker = await open(more())
    const { raw, id } = await owed(broker, 1)
    raw.socket.destroy()
    await raw.closed
    const again = await client(broker, { clientId: 's', clean: false })
    again.send(acknowledge('pubcomp', id))
    await pause(100)
    const last = await client(broker, { clientId: 's', clean: false })
    expect((await last.receive(5))[4]! >> 4).toBe(3)
  })

  test('the right ones free it', async () => {
    const broker = await open(more())
    for (const [qos, answers] of [
      [1, ['puback']],
      [2, ['pubrec', 'pubcomp']],
    ] as const) {
      const { raw, id } = await owed(broker, qos)
      for (const answer of answers) {
        raw.send(acknowledge(answer, id))
        await pause(50)
      }
      expect(await isClosed(raw)).toBe(false)
      raw.socket.destroy()
      await raw.closed
      const again = await client(broker, { clientId: 's', clean: false })
      await pause(100)
      await expect(Promise.race([again.receive(5).then(() => 'sent again'), pause(150).then(() => 'freed')])).resolves.toBe(
        'freed',
      )
      again.socket.destroy()
      await again.closed
    }
  })
})

describe('topics that begin with $', () => {
  test.each([
    [0, ''],
    [1, '40020001'],
    [2, '50020001'],
  ] as const)('a message of QoS %i is acknowledged and reaches nobody', async (qos, answer) => {
    const broker = await open()
    const reader = await client(broker)
    reader.send(subscribe(['$own/#'], 0))
    await reader.receive(9)
    const raw = await client(broker)
    raw.send(publish('$own/x', 'x', qos))
    const bytes = await raw.receive(4 + answer.length / 2)
    expect(bytes.subarray(4).toString('hex')).toBe(answer)
    expect(await isClosed(raw)).toBe(false)
    await expect(Promise.race([reader.receive(10).then(() => 'came'), pause(150).then(() => 'nothing')])).resolves.toBe('nothing')
    expect(broker.stats().refused['dollar-topic']).toBe(1)
  })
})

test('credentials are ignored where anonymous clients are let in and there are no users', async () => {
  const raw = await connectRaw((await open()).port)
  undo.push(() => raw.socket.destroy())
  raw.send(connect({ user: 'anybody', password: 'anything' }))
  expect((await raw.receive(4))[3]).toBe(0)
})

test('a shared subscription is refused with the true reason', async () => {
  const broker = await open()
  const raw = await client(broker)
  raw.send(subscribe(['$share/g/a'], 1))
  expect((await raw.receive(9))[8]).toBe(0x80)
  expect(broker.stats().refused).toEqual({ 'shared-subscription': 1 })
})
