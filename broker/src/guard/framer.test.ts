import fc from 'fast-check'
import { expect, test } from 'vitest'
import { connect, disconnect, pingreq, publish, subscribe } from '../testing/packets.ts'
import { Framer } from './framer.ts'

/** Cuts the bytes at the given places and gives them to a framer; `enough` stops it after each packet when asked to. */
function frame(bytes: Buffer, cuts: number[], oneByOne = false): { packets: string[]; passed: string } {
  const packets: string[] = []
  const passed: Buffer[] = []
  let last = 0
  const framer = new Framer({
    header: () => undefined,
    packet: (chunk, start, body, end) => {
      packets.push(`${chunk.subarray(start, body).toString('hex')} ${chunk.subarray(body, end).toString('hex')}`)
      return undefined
    },
    pass: (run) => void passed.push(Buffer.from(run)),
    enough: () => oneByOne,
  })
  for (const cut of [...[...new Set(cuts.map((c) => c % (bytes.length + 1)))].sort((a, b) => a - b), bytes.length]) {
    let chunk = bytes.subarray(last, cut)
    while (chunk.length > 0) {
      const taken = framer.take(chunk) as number
      expect(typeof taken).toBe('number')
      chunk = chunk.subarray(taken)
    }
    last = cut
  }
  return { packets, passed: Buffer.concat(passed).toString('hex') }
}

const anyPacket = fc.oneof(
  fc.constantFrom(pingreq, disconnect, connect({ user: 'u', password: 'p' }), subscribe(['a/#', 'b'])),
  fc.tuple(fc.nat(400), fc.constantFrom(0, 1, 2)).map(([size, qos]) => publish('a/b', Buffer.alloc(size, 7), qos)),
  fc.constant(publish('big', Buffer.alloc(20_000, 1))),
)

test('packets are the same however the bytes are cut, and also when taken one at a time', () => {
  const runs = fc.tuple(fc.array(anyPacket, { minLength: 1, maxLength: 8 }), fc.array(fc.nat(), { maxLength: 20 }), fc.boolean())
  fc.assert(
    fc.property(runs, ([packets, cuts, oneByOne]) => {
      const bytes = Buffer.concat(packets)
      const whole = frame(bytes, [])
      expect(whole.packets.length).toBe(packets.length)
      expect(frame(bytes, cuts, oneByOne)).toEqual(whole)
      expect(whole.passed).toBe(bytes.toString('hex'))
    }),
    { verbose: true },
  )
})

test('packets cut at every single byte are the same', () => {
  const bytes = Buffer.concat([connect({ user: 'u', password: 'p' }), publish('a', Buffer.alloc(200)), pingreq, disconnect])
  expect(frame(bytes, [...bytes.keys()])).toEqual(frame(bytes, []))
})

test('a run of whole packets is passed on uncopied', () => {
  const chunk = Buffer.concat([pingreq, publish('a', 'x'), publish('b', 'y').subarray(0, 3)])
  let passed: Buffer | undefined
  const checks = { header: () => undefined, packet: () => undefined, enough: () => false }
  new Framer({ ...checks, pass: (run) => (passed = run) }).take(chunk)
  expect(passed?.buffer).toBe(chunk.buffer)
  expect(passed?.length).toBe(chunk.length - 3)
})

test('a refused header is told before any of the body has come', () => {
  const framer = new Framer({ header: () => 'packet-too-large', packet: () => undefined, pass() {}, enough: () => false })
  expect(framer.take(Buffer.from([0x30, 0xff, 0xff]))).toBe(3)
  expect(framer.take(Buffer.from([0x7f]))).toBe('packet-too-large')
})

test('a fifth byte of length is refused, cut or whole', () => {
  const bytes = Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 1])
  const checks = { header: () => undefined, packet: () => undefined, pass() {}, enough: () => false }
  expect(new Framer(checks).take(bytes)).toBe('remaining-length')
  const framer = new Framer(checks)
  expect([...bytes].map((byte) => framer.take(Buffer.from([byte])))).toContain('remaining-length')
})
