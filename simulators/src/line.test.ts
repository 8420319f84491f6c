import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Emission } from './instruments/index.ts'
import { Line } from './line.ts'
import type { Port } from './ports/index.ts'

/** Fixed, so that a run can be repeated; fast-check prints it with a failure. */
const seed = Number(process.env.MILLRACE_SEED ?? 20261101)

/** Frame `n` is one byte of its length, then its number over and over. */
function frame(number: number, length: number): Emission {
  return { bytes: Buffer.from([length, ...Array(length - 1).fill(number % 256)]), frames: 1, bad: 0, readings: [], samples: [] }
}

/** A port with room for so many bytes at each write; zero once the list is over. */
function narrowPort(rooms: number[]) {
  let taken = Buffer.alloc(0)
  let hasReader = true
  const port: Port = {
    address: () => ({ kind: 'serial', path: '' }),
    hasReader: () => hasReader,
    write(bytes) {
      const part = bytes.subarray(0, rooms.shift() ?? 0)
      taken = Buffer.concat([taken, part])
      return part.length
    },
    async plug() {},
    unplug() {},
  }
  return {
    port,
    taken: () => taken,
    leave: () => {
      hasReader = false
    },
  }
}

it('puts frames on the line whole and in order however little fits at once, and knows which went out', async () => {
  const rooms = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 })
  const lengths = fc.array(fc.integer({ min: 2, max: 20 }), { minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(rooms, lengths, fc.integer({ min: 1, max: 5 }), async (room, sizes, together) => {
      const { port, taken } = narrowPort([...room])
      const sent: Emission[] = []
      const line = new Line(port, { sent: (one) => sent.push(one), torn() {} })
      await line.plug()
      line.look(0)
      expect(line.look(1000)).toBe('open')
      let waiting = sizes.map((length, number) => frame(number, length))
      const all = waiting
      for (let k = 0; k < room.length; k++) {
        const offer = waiting.slice(0, together)
        const accepted = line.send(offer)
        expect(accepted).toBeGreaterThanOrEqual(0)
        waiting = waiting.slice(accepted)
      }
      const whole = Buffer.concat(sent.map((one) => one.bytes))
      expect(sent).toEqual(all.slice(0, sent.length))
      expect(taken().subarray(0, whole.length).equals(whole)).toBe(true)
      // At most one frame is begun, and it is the next.
      const rest = taken().subarray(whole.length)
      const next = all[sent.length]?.bytes ?? Buffer.alloc(0)
      expect(Buffer.from(next).subarray(0, rest.length).equals(rest)).toBe(true)
      expect(rest.length === 0 || rest.length < next.length).toBe(true)
    }),
    { seed, numRuns: 300 },
  )
})

it('tears the frame that was half sent when the reader went', async () => {
  const { port, leave } = narrowPort([12])
  const [sent, torn]: Emission[][] = [[], []]
  const line = new Line(port, { sent: (one) => sent!.push(one), torn: (one) => torn!.push(one) })
  await line.plug()
  line.look(0)
  line.look(1000)
  const frames = [frame(1, 8), frame(2, 8), frame(3, 8)]
  expect(line.send(frames)).toBe(2)
  leave()
  expect(line.look(2000)).toBe('unread')
  expect(sent).toEqual([frames[0]])
  expect(torn).toEqual([frames[1]])
})

it('leaves a new reader time to flush before the first byte', async () => {
  const { port } = narrowPort([])
  const line = new Line(port, { sent() {}, torn() {} })
  expect(line.look(0)).toBe('unplugged')
  await line.plug()
  expect(line.look(1000)).toBe('unread')
  expect(line.look(1100)).toBe('unread')
  expect(line.look(1300)).toBe('open')
})
