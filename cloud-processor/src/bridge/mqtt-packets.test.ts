import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  connectPacket,
  createPacketReader,
  type IncomingPackets,
  pubackPacket,
  publishPacket,
  subscribePacket,
} from './mqtt-packets.ts'

type Seen = ['publish', string, string, number?] | ['connack' | 'tooLarge', number] | ['suback', number[]]

function collector() {
  const seen: Seen[] = []
  const incoming: IncomingPackets = {
    connack: (code) => seen.push(['connack', code]),
    puback: () => {},
    suback: (codes) => seen.push(['suback', [...codes]]),
    publish(topic, payload, _flags, packetId) {
      const bytes = Buffer.from(payload).toString('hex')
      seen.push(packetId === undefined ? ['publish', topic, bytes] : ['publish', topic, bytes, packetId])
    },
    tooLarge: (bytes) => seen.push(['tooLarge', bytes]),
  }
  return { seen, incoming }
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** A copy that is overwritten once read, as the buffer of a socket is. */
function feed(read: (chunk: Buffer) => void, bytes: Buffer): void {
  const chunk = Buffer.from(bytes)
  read(chunk)
  chunk.fill(0xff)
}

const packet = fc.oneof(
  fc
    .tuple(fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }), fc.uint8Array({ maxLength: 400 }))
    .map(([topic, payload]) => ({
      bytes: publishPacket(topic, payload),
      seen: [['publish', topic, Buffer.from(payload).toString('hex')]] as Seen[],
    })),
  fc.nat(255).map((code) => ({ bytes: Buffer.of(0x20, 2, 0, code), seen: [['connack', code]] as Seen[] })),
  fc.constant({ bytes: hex('d0 00'), seen: [] as Seen[] }),
  fc.constant({ bytes: hex('90 03 00 01 00'), seen: [['suback', [0]]] as Seen[] }),
  fc.integer({ min: 1001, max: 5000 }).map((length) => {
    const bytes = publishPacket('t', new Uint8Array(length))
    return { bytes, seen: [['tooLarge', bytes.length]] as Seen[] }
  }),
)

test('packets come out the same however their bytes are cut, and too large ones are passed over', () => {
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 30 }), fc.array(fc.integer({ min: 1, max: 300 })), (packets, cuts) => {
      const { seen, incoming } = collector()
      const read = createPacketReader(incoming, 1000)
      const bytes = Buffer.concat(packets.map((each) => each.bytes))
      let at = 0
      for (const cut of cuts) {
        feed(read, bytes.subarray(at, at + cut))
        at = Math.min(bytes.length, at + cut)
      }
      feed(read, bytes.subarray(at))
      expect(seen).toEqual(packets.flatMap((each) => each.seen))
    }),
  )
})

test('random bytes are refused or read, and never hang or reach past the end', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }), (chunks) => {
      const read = createPacketReader(collector().incoming, 1000)
      try {
        for (const chunk of chunks) feed(read, Buffer.from(chunk))
      } catch (error) {
        expect(error).not.toBeInstanceOf(RangeError)
        expect(error).toBeInstanceOf(Error)
      }
    }),
    { numRuns: 500 },
  )
})

test('a message of QoS 1 is passed on with its packet id', () => {
  const { seen, incoming } = collector()
  createPacketReader(incoming, 1000)(hex('33 06 00 01 61 12 34 7a'))
  expect(seen).toEqual([['publish', 'a', '7a', 0x1234]])
  expect(pubackPacket(0x1234)).toEqual(hex('40 02 12 34'))
})

test.each([
  ['a message of QoS 2', '34 05 00 01 61 00 01'],
  ['a topic that runs past the end', '30 03 00 02 61'],
  ['a message without room for a topic', '30 01 00'],
  ['a message of QoS 1 without a packet id', '32 03 00 01 61'],
  ['a packet that only a client sends', '82 00'],
  ['a remaining length of five bytes', '30 ff ff ff ff 01'],
  ['a CONNACK of one byte', '20 01 00'],
])('%s is refused', (_what, bytes) => {
  expect(() => createPacketReader(collector().incoming, 1000)(hex(bytes))).toThrow()
})

test('what is sent are the bytes of the norm', () => {
  expect(connectPacket({ clientId: 'c', username: 'u', password: 'p', keepaliveSeconds: 10 })).toEqual(
    hex('10 13 00 04 4d 51 54 54 04 c2 00 0a 00 01 63 00 01 75 00 01 70'),
  )
  expect(connectPacket({ clientId: 'c', keepaliveSeconds: 10, isPersistent: true })).toEqual(
    hex('10 0d 00 04 4d 51 54 54 04 00 00 0a 00 01 63'),
  )
  expect(subscribePacket(1, ['a/#'], 0)).toEqual(hex('82 08 00 01 00 03 61 2f 23 00'))
  expect(subscribePacket(1, ['a/#'], 1)).toEqual(hex('82 08 00 01 00 03 61 2f 23 01'))
  expect(publishPacket('a', Buffer.of(7))).toEqual(hex('30 04 00 01 61 07'))
})
