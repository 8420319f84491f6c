import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { afterConnect, insteadOfConnect } from '../testing/malformed.ts'
import { connect, disconnect, packet, pingreq, publish, subscribe, unsubscribe } from '../testing/packets.ts'
import { Framer } from './framer.ts'
import { PacketChecks } from './packets.ts'

const checks = new PacketChecks({ packetBytes: 1_048_576, connectBytes: 8_192, topicBytes: 1_024, topicLevels: 32 })

/** The refusal of the first packet, or undefined. */
function check(bytes: Buffer, greeted: boolean): string | undefined {
  const framer = new Framer({
    header: (first, remaining, total) => checks.header(first, remaining, total, greeted),
    packet: (chunk, start, body, end) => checks.packet(chunk, start, body, end),
    pass() {},
    enough: () => false,
  })
  const taken = framer.take(bytes)
  return typeof taken === 'string' ? taken : undefined
}

describe('what is refused', () => {
  test.each(afterConnect)('%s', (_title, bytes, reason) => expect(check(bytes, true)).toBe(reason))
  test.each(insteadOfConnect)('%s', (_title, bytes, reason) => expect(check(bytes, false)).toBe(reason))
})

describe('what is let through', () => {
  const will = { topic: 'w/ü', payload: 'x', qos: 2 as const, retain: true }
  test.each([
    ['CONNECT with everything', connect({ user: 'ü', password: 'p', clientId: 'c', clean: false, will }), false],
    ['CONNECT with nothing', connect(), false],
    ['CONNECT with a user and no password', connect({ user: 'u' }), false],
    ['CONNECT with an empty will message', connect({ will: { topic: 'w', payload: '' } }), false],
    ['an empty PUBLISH', publish('a'), true],
    ['a topic of slashes', publish('//'), true],
    ['a topic of wide characters', publish('温度/𝄞/é'), true],
    ['a topic with $', publish('$x'), true],
    ['a topic at the limits', publish('t'.repeat(1024)), true],
    ['QoS 1 with DUP', packet(0x3a, [0, 1, 0x61, 0, 1]), true],
    ['QoS 2', publish('a', 'x', 2, 65_535), true],
    ['filters with wildcards', subscribe(['#', '+', '+/+/#', 'a/+/b', '/+', '+/', '/#', '$SYS/#']), true],
    ['UNSUBSCRIBE', unsubscribe(['a/#', 'b']), true],
    ['PUBACK', packet(0x40, [0, 1]), true],
    ['PUBREL', packet(0x62, [0, 1]), true],
    ['PINGREQ', pingreq, true],
    ['DISCONNECT', disconnect, true],
  ])('%s', (_title, bytes, greeted) => expect(check(bytes, greeted)).toBeUndefined())
})

test('random bodies of every type are judged without an exception', () => {
  const any = fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 60 }), fc.boolean())
  fc.assert(
    fc.property(any, ([first, body, greeted]) => void check(packet(first, [...body]), greeted)),
    { numRuns: 5_000, verbose: true },
  )
})
