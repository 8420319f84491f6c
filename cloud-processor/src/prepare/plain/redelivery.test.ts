import { encodeRaw } from '@millrace/contract'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deliveries } from '../../bridge/deliveries.ts'
import { createFeed, now } from '../testing/feed.ts'

const entry = { filter: 'lab/#', device: '{1}', channel: '{last}', codec: 'value' }

/** What a bridge with this memory of its session puts into raw. */
function createPath() {
  const feed = createFeed({ plain: [entry] })
  let session = new Deliveries()
  let receivedMs = now
  return {
    restart(isSessionPresent = true) {
      session = new Deliveries()
      session.connected(isSessionPresent)
    },
    reconnect: (isSessionPresent = true) => session.connected(isSessionPresent),
    acknowledge: (packetId: number) => session.acknowledged(packetId),
    /** How many readings it made. */
    receive(packetId: number, text: string, { isDup = false, topic = 'lab/a/state', isLogged = true } = {}): number {
      const delivery = session.received(packetId, isDup)
      if (!isLogged) return 0
      const message = { k: 'message', topic, payload: Buffer.from(text), receivedMs: ++receivedMs, qos: 1, dup: isDup } as const
      return feed.raw({ ...message, delivery }).timeline.filter(({ k }) => k === 'readings').length
    },
  }
}

test('a message that is sent again after a reconnect, without its PUBACK, is one reading', () => {
  const path = createPath()
  path.reconnect(false)
  expect(path.receive(7, 'ON')).toBe(1)
  path.reconnect()
  expect(path.receive(7, 'ON', { isDup: true })).toBe(0)
  path.reconnect()
  expect(path.receive(7, 'ON', { isDup: true })).toBe(0)
})

test('without DUP, under another identifier, on another topic or with another payload it is another message', () => {
  const path = createPath()
  path.reconnect(false)
  expect(path.receive(7, 'ON')).toBe(1)
  path.reconnect()
  expect(path.receive(8, 'ON', { isDup: true })).toBe(1)
  expect(path.receive(7, 'ON', { isDup: true, topic: 'lab/b/state' })).toBe(1)
  expect(path.receive(7, 'OFF', { isDup: true })).toBe(1)
  expect(path.receive(7, 'OFF')).toBe(1)
})

test('after its PUBACK an identifier is free: a message under it is another one', () => {
  const path = createPath()
  path.reconnect(false)
  path.receive(7, 'ON')
  path.acknowledge(7)
  path.reconnect()
  expect(path.receive(7, 'ON', { isDup: true })).toBe(1)
})

test('what did not become durable is taken when it is sent again', () => {
  const path = createPath()
  path.reconnect(false)
  path.receive(7, 'ON', { isLogged: false })
  path.reconnect()
  expect(path.receive(7, 'ON', { isDup: true })).toBe(1)
})

test('after a restart of the bridge what the log holds is not taken again, in its session only', () => {
  const path = createPath()
  path.reconnect(false)
  path.receive(1, 'ON')
  path.receive(2, 'OFF')
  path.restart()
  expect([path.receive(1, 'ON', { isDup: true }), path.receive(2, 'OFF', { isDup: true })]).toEqual([0, 0])
  path.restart(false)
  expect(path.receive(1, 'ON', { isDup: true })).toBe(1)
})

test('of a broker that uses identifiers again at once, an identifier proves nothing after a restart', () => {
  const path = createPath()
  path.reconnect(false)
  for (let k = 0; k < 2; k++) {
    path.receive(1, 'ON')
    path.acknowledge(1)
  }
  path.receive(1, 'ON')
  path.restart()
  expect(path.receive(1, 'ON', { isDup: true })).toBe(1)
})

test('a record with its delivery is laid out as described', () => {
  const delivery = {
    packetId: 0x0102,
    run: 0x0a0b0c0d,
    number: 2 ** 40 + 5,
    oldest: 2 ** 40 + 2,
    isFirst: true,
    isReusing: false,
  }
  const message = { k: 'message', topic: 'a', payload: Uint8Array.of(255), receivedMs: 1, qos: 1, delivery } as const
  expect(Buffer.from(encodeRaw(message)).toString('hex')).toBe(
    `23${'0001'}61${'3ff0000000000000'}${'0a0b0c0d'}${'010000000005'}${'00000003'}${'0102'}01ff`,
  )
})

/** A broker by MQTT 3.1.1 that gives identifiers in one of two ways, and a network that may lose what is in flight at each cut. */
class Broker {
  readonly owed: { id: number; text: string; name: number; isSent: boolean }[] = []
  readonly #isLowest: boolean
  #last = 0
  constructor(isLowest: boolean) {
    this.#isLowest = isLowest
  }
  publish(text: string, name: number) {
    const used = new Set(this.owed.map(({ id }) => id))
    if (this.#isLowest) for (this.#last = 1; used.has(this.#last); ) this.#last++
    else this.#last++
    this.owed.push({ id: this.#last, text, name, isSent: false })
  }
  acknowledged(name: number) {
    const at = this.owed.findIndex((one) => one.name === name)
    if (at >= 0) this.owed.splice(at, 1)
  }
}

const step = fc.record({
  texts: fc.array(fc.constantFrom('ON', 'OFF'), { maxLength: 4 }),
  /** Of what is sent: how much arrives and is logged, how many get their PUBACK, and how many of these arrive. */
  shares: fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4)),
  cut: fc.constantFrom('none', 'none', 'connection', 'bridge'),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

test('whatever is cut, every message is a reading, and a second one only where its PUBACK was sent or the bridge forgot it', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 30 }), (isLowest, steps) => {
      const path = createPath()
      const broker = new Broker(isLowest)
      path.reconnect(false)
      const made = new Map<number, number>()
      const forgiven = new Set<number>()
      let name = 0
      let restarts = 0
      const deliver = ({ shares: [arriving, acknowledging, heard], texts, cut }: Step) => {
        for (const text of texts) broker.publish(text, name++)
        const arrived = broker.owed.slice(0, cut === 'none' ? undefined : arriving)
        for (const one of broker.owed) if (!arrived.includes(one)) one.isSent = true
        for (const one of arrived) {
          made.set(one.name, (made.get(one.name) ?? 0) + path.receive(one.id, one.text, { isDup: one.isSent }))
          one.isSent = true
        }
        const acknowledged = arrived.slice(0, cut === 'none' ? undefined : acknowledging)
        for (const [at, { id, name: which }] of acknowledged.entries()) {
          path.acknowledge(id)
          if (cut === 'none' || at < heard) broker.acknowledged(which)
          else forgiven.add(which)
        }
        if (cut === 'connection') path.reconnect()
        // Deliveries of eight runs are remembered.
        if (cut !== 'bridge' || ++restarts > 7) return
        path.restart()
        // Of a broker that uses identifiers at once a new run can prove nothing.
        if (isLowest) for (const { name: which } of broker.owed) forgiven.add(which)
      }
      // From the second on it is known how this broker gives identifiers.
      for (let k = 0; k < 2; k++) deliver({ texts: ['ON'], shares: [4, 4, 4], cut: 'none' })
      for (const one of steps) deliver(one)
      deliver({ texts: [], shares: [4, 4, 4], cut: 'none' })
      for (let k = 0; k < name; k++) {
        expect(made.get(k) ?? 0).toBeGreaterThanOrEqual(1)
        if (!forgiven.has(k)) expect(made.get(k)).toBe(1)
      }
    }),
    { numRuns: 400 },
  )
})
