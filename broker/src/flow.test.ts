import { afterEach, describe, expect, test } from 'vitest'
import { connect, pingreq, publish, subscribe } from './testing/packets.ts'
import { connectRaw, type RawClient } from './testing/raw-client.ts'
import { startTestBroker, type TestBroker, until } from './testing/test-broker.ts'

let broker: TestBroker
afterEach(() => broker.close())

/** Subscribes and never reads again. */
async function freeze(filter: string): Promise<RawClient> {
  const raw = await connectRaw(broker.port)
  raw.send(Buffer.concat([connect({ user: 'admin', password: 'secret-a' }), subscribe([filter])]))
  await raw.receive(9)
  raw.socket.pause()
  return raw
}

describe('a frozen subscriber', () => {
  test('does not keep another from all 200 messages of 100 kB, and is cut off', async () => {
    broker = await startTestBroker({ slowConsumerMs: 1_000 })
    const frozen = await freeze('load/#')
    const reader = await broker.connect('admin')
    await reader.subscribeAsync('load/#')
    let got = 0
    reader.on('message', () => got++)
    const writer = await broker.connect('admin', { queueQoSZero: false })
    for (let i = 0; i < 200; i++) await writer.publishAsync('load/x', Buffer.alloc(100_000, i))
    await until(() => got === 200)
    expect(broker.stats().refused).toEqual({ 'slow-consumer': 1 })
    frozen.socket.destroy()
  })

  test('does not hold up a publisher that it has nothing to do with', async () => {
    broker = await startTestBroker({ slowConsumerMs: 10_000 })
    const frozen = await freeze('load/#')
    const writer = await broker.connect('admin', { queueQoSZero: false })
    for (let i = 0; i < 200; i++) writer.publish('load/x', Buffer.alloc(100_000))
    await until(() => broker.stats().outboundBytes > 1_000_000)
    const reader = await broker.connect('admin')
    await reader.subscribeAsync('calm/#')
    let got = 0
    reader.on('message', () => got++)
    const other = await broker.connect('admin')
    for (let i = 0; i < 150; i++) other.publish('calm/x', `${i}`)
    await until(() => got === 150)
    expect(broker.stats()).toMatchObject({ refused: {}, clients: 4 })
    frozen.socket.destroy()
  })

  test('costs no more memory than its bound, whichever client publishes', async () => {
    broker = await startTestBroker({ slowConsumerMs: 1_500, outboundBufferBytes: 1_048_576 })
    const frozen = await freeze('load/#')
    const writers = await Promise.all(Array.from({ length: 20 }, () => broker.connect('admin', { queueQoSZero: false })))
    let highest = 0
    const watch = setInterval(() => {
      highest = Math.max(highest, broker.stats().outboundBytes)
    }, 1)
    for (const writer of writers) for (let i = 0; i < 50; i++) writer.publish('load/x', Buffer.alloc(50_000))
    await until(() => broker.stats().refused['slow-consumer'] === 1)
    clearInterval(watch)
    expect(highest).toBeGreaterThan(1_048_576)
    expect(highest).toBeLessThan(6 * 1_048_576)
    frozen.socket.destroy()
  })
})

describe('a slow but living subscriber', () => {
  test('gets every QoS 0 message: the publisher waits', async () => {
    broker = await startTestBroker({ slowConsumerMs: 3_000, outboundBufferBytes: 262_144 })
    const raw = await connectRaw(broker.port)
    raw.send(Buffer.concat([connect({ user: 'admin', password: 'secret-a' }), subscribe(['load/#'])]))
    await raw.receive(9)
    let bytes = 0
    raw.socket.on('data', (chunk) => {
      bytes += chunk.length
      raw.socket.pause()
      setTimeout(() => raw.socket.resume(), 2)
    })
    const message = publish('load/x', Buffer.alloc(20_000))
    const writer = await connectRaw(broker.port)
    writer.send(connect({ user: 'admin', password: 'secret-a' }))
    for (let i = 0; i < 1_000; i++) writer.send(message)
    await until(() => bytes === 1_000 * message.length)
    expect(broker.stats().refused).toEqual({})
    raw.socket.destroy()
    writer.socket.destroy()
  })
})

describe('throughput', () => {
  test('20,000 QoS 0 messages of a fast publisher all arrive, in order', async () => {
    broker = await startTestBroker()
    const reader = await broker.connect('host')
    await reader.subscribeAsync('spBv1.0/#')
    let got = 0
    let inOrder = true
    reader.on('message', (_topic, payload) => {
      inOrder &&= payload.readUInt32BE(0) === got
      got++
    })
    const writer = await connectRaw(broker.port)
    writer.send(connect({ user: 'node', password: 'secret-n' }))
    const payload = Buffer.alloc(200)
    for (let i = 0; i < 20_000; i++) {
      payload.writeUInt32BE(i)
      writer.send(publish('spBv1.0/ward/DDATA/bed1/oximeter', payload))
    }
    await until(() => got === 20_000)
    expect(inOrder).toBe(true)
    expect(broker.stats()).toMatchObject({ received: 20_000, delivered: 20_000, refused: {}, dropped: {} })
    writer.socket.destroy()
  })

  test('messages that nobody subscribed to are taken one and all, however they are cut', async () => {
    broker = await startTestBroker()
    const writer = await connectRaw(broker.port)
    writer.send(connect({ user: 'admin', password: 'secret-a' }))
    const bytes = Buffer.concat(Array.from({ length: 5_000 }, (_, i) => publish(`t/${i % 7}`, `${i}`)))
    for (let at = 0; at < bytes.length; at += 1_237) writer.send(bytes.subarray(at, at + 1_237))
    await until(() => broker.stats().received === 5_000)
    expect(broker.stats()).toMatchObject({ delivered: 0, refused: {} })
    writer.socket.destroy()
  })

  test('what was sent before the connection ended is still delivered', async () => {
    broker = await startTestBroker()
    const reader = await broker.connect('host')
    await reader.subscribeAsync('spBv1.0/#')
    let got = 0
    reader.on('message', () => got++)
    const writer = await connectRaw(broker.port)
    const messages = Array.from({ length: 3_000 }, () => publish('spBv1.0/ward/NDATA/bed1', Buffer.alloc(500)))
    writer.send(connect({ user: 'node', password: 'secret-n' }))
    await writer.receive(4)
    writer.send(Buffer.concat(messages))
    writer.socket.end()
    await writer.closed
    await until(() => got === 3_000)
  })

  test('a publisher over its rate is slowed down, not robbed', async () => {
    broker = await startTestBroker({ publishesPerSecond: 100 })
    const writer = await connectRaw(broker.port)
    writer.send(connect({ user: 'admin', password: 'secret-a' }))
    const started = performance.now()
    for (let i = 0; i < 150; i++) writer.send(publish('t', `${i}`))
    await writer.receive(4)
    await until(() => broker.stats().received === 150)
    writer.send(pingreq)
    await writer.receive(6)
    expect(performance.now() - started).toBeGreaterThan(400)
    expect(broker.stats().refused).toEqual({})
    writer.socket.destroy()
  })
})
