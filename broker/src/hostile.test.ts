import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connackOf } from './refusals.ts'
import { afterConnect, insteadOfConnect } from './testing/malformed.ts'
import { connect, publish, subscribe } from './testing/packets.ts'
import { connectRaw } from './testing/raw-client.ts'
import { closed, startTestBroker, type TestBroker, until } from './testing/test-broker.ts'

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker({ connectTimeoutMs: 1_500, preAuthConnections: 8 })
})
afterEach(() => broker.close())

/** A publisher and a subscriber that must not notice. Resolves with how many messages were exchanged. */
async function healthyPair(): Promise<{ stop(): Promise<number> }> {
  const host = await broker.connect('host')
  await host.subscribeAsync('spBv1.0/#')
  const node = await broker.connect('node')
  let sent = 0
  let got = 0
  host.on('message', () => got++)
  const timer = setInterval(() => node.publish('spBv1.0/ward/NDATA/bed1', `${sent++}`), 2)
  return {
    async stop() {
      clearInterval(timer)
      await until(() => got === sent)
      expect(host.connected && node.connected).toBe(true)
      return got
    },
  }
}

describe('malformed packets', () => {
  test(`each of ${afterConnect.length} is refused with its reason while a healthy pair goes on`, async () => {
    const pair = await healthyPair()
    for (const [title, bytes, reason] of afterConnect) {
      const before = broker.stats().refused[reason] ?? 0
      const raw = await connectRaw(broker.port)
      raw.send(connect({ user: 'admin', password: 'secret-a' }))
      await raw.receive(4)
      raw.send(bytes)
      await raw.closed
      expect(broker.stats().refused[reason], title).toBe(before + 1)
    }
    expect(Object.values(broker.stats().refused).reduce((a, b) => a + b)).toBe(afterConnect.length)
    expect(await pair.stop()).toBeGreaterThan(10)
  })

  test(`each of ${insteadOfConnect.length} instead of a CONNECT is refused with its reason, and its CONNACK where there is one`, async () => {
    const pair = await healthyPair()
    for (const [title, bytes, reason] of insteadOfConnect) {
      const before = broker.stats().refused[reason] ?? 0
      const raw = await connectRaw(broker.port)
      raw.send(bytes)
      const code = connackOf(reason)
      if (code > 0) expect([...(await raw.receive(4))], title).toEqual([0x20, 2, 0, code])
      await raw.closed
      expect(broker.stats().refused[reason], title).toBe(before + 1)
    }
    expect(await pair.stop()).toBeGreaterThan(0)
  })

  test('they are refused just the same when they come byte by byte', async () => {
    const [, bytes, reason] = afterConnect.find(([title]) => title.startsWith('a filter with # in'))!
    const raw = await connectRaw(broker.port)
    for (const byte of Buffer.concat([connect({ user: 'admin', password: 'secret-a' }), bytes])) {
      raw.send(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await raw.closed
    expect(broker.stats().refused).toEqual({ [reason]: 1 })
  })
})

describe('floods', () => {
  test('a message of 10 MB is refused at its header, and the next publisher is not hurt', async () => {
    const pair = await healthyPair()
    const big = await broker.connect('admin')
    big.publish('big', Buffer.alloc(10 * 1_048_576))
    await closed(big)
    expect(broker.stats().refused).toEqual({ 'packet-too-large': 1 })
    await pair.stop()
  })

  test('a connection that sends no CONNECT in time is closed', async () => {
    const raw = await connectRaw(broker.port)
    raw.send(Buffer.from([0x10, 60, 0]))
    await raw.closed
    expect(broker.stats().refused).toEqual({ 'connect-timeout': 1 })
  })

  test('idle sockets cannot lock a client out', async () => {
    const idle = await Promise.all(Array.from({ length: 20 }, () => connectRaw(broker.port)))
    expect((await broker.connect('node')).connected).toBe(true)
    expect(broker.stats().refused['pre-auth-full']).toBeGreaterThan(10)
    for (const { socket } of idle) socket.destroy()
  })

  test.skipIf(process.platform !== 'linux')('four sockets that flood before CONNECT leave the memory as it was', async () => {
    const main = fileURLToPath(new URL('./main.ts', import.meta.url))
    const child = spawn(process.execPath, ['--max-semi-space-size=2', main, 'run'], {
      env: { ...process.env, MILLRACE_LISTEN_PORT: '0', MILLRACE_USERS: broker.usersFile },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const [line] = (await once(child.stderr, 'data')) as [Buffer]
    const { port } = JSON.parse(String(line))
    child.stderr.resume()
    const rssMiB = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) / 1024
    await flood(port, 700) // compiled code, thread pool, sockets: what any traffic brings
    const before = rssMiB()
    let highest = before
    const watch = setInterval(() => {
      highest = Math.max(highest, rssMiB())
    }, 20)
    await flood(port, 2_000)
    clearInterval(watch)
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    expect((await gone)[0]).toBe(0)
    expect(highest - before).toBeLessThan(32)
  })

  test('random bytes never stop it', async () => {
    const pair = await healthyPair()
    const hello = connect({ user: 'admin', password: 'secret-a' })
    const valid = fc.constantFrom(publish('a/b', 'x'), publish('a', 'x', 1, 7), subscribe(['a/#', '+/b']), Buffer.from([0xc0, 0]))
    const mutated = fc.tuple(valid, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
      const copy = Buffer.from(bytes)
      copy[at % copy.length] = byte
      return copy
    })
    const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
    const stream = fc.tuple(fc.boolean(), fc.array(fc.oneof(valid, mutated, noise), { maxLength: 8 }))
    await fc.assert(
      fc.asyncProperty(stream, async ([greet, parts]) => {
        const raw = await connectRaw(broker.port)
        raw.send(Buffer.concat([...(greet ? [hello] : []), ...parts]))
        raw.socket.end()
        await raw.closed
      }),
      { numRuns: 300, verbose: true },
    )
    await pair.stop()
  })
})

/** Four at a time: a CONNECT of the greatest size allowed that never ends, or as much rubbish as the socket takes. */
async function flood(port: number, ms: number): Promise<void> {
  const until = performance.now() + ms
  const rubbish = Buffer.alloc(65_536, 0x30)
  const heads = [
    Buffer.from([0x10, 0xfd, 0x3f]),
    Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]),
    connect({ user: 'x', password: 'y' }),
    rubbish,
  ]
  const one = async (head: Buffer) => {
    while (performance.now() < until) {
      const raw = await connectRaw(port)
      raw.send(head)
      const stop = setTimeout(() => raw.socket.destroy(), 200)
      while (!raw.socket.destroyed && performance.now() < until) {
        if (raw.socket.writableLength < 1_048_576) raw.send(rubbish)
        await new Promise((resolve) => setImmediate(resolve))
      }
      clearTimeout(stop)
      raw.socket.destroy()
    }
  }
  await Promise.all(heads.map(one))
}
