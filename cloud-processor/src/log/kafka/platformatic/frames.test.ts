import { Writer } from '@platformatic/kafka'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFields } from './fields.ts'
import { createSplitter } from './frames.ts'

const seed = Date.now() % 1e9

test('finds every frame, whole and in order, however the bytes are cut', () => {
  const property = fc.property(
    fc.array(fc.uint8Array({ minLength: 4, maxLength: 50 }), { maxLength: 12 }),
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
    (bodies, cuts) => {
      const frames = bodies.map((body) => {
        const length = Buffer.alloc(4)
        length.writeInt32BE(body.length)
        return Buffer.concat([length, body])
      })
      const found: Buffer[] = []
      const split = createSplitter((frame) => found.push(Buffer.from(frame)))
      const all = Buffer.concat(frames)
      for (let at = 0, k = 0; at < all.length; k++) {
        const size = cuts[k % cuts.length]!
        split(all.subarray(at, at + size))
        at += size
      }
      expect(found).toEqual(frames)
    },
  )
  fc.assert(property, { seed })
})

test('reads what the library writes', () => {
  const property = fc.property(
    fc.array(
      fc.record({ number: fc.maxSafeInteger(), text: fc.option(fc.string({ unit: 'grapheme' })), bytes: fc.uint8Array() }),
    ),
    (items) => {
      const writer = Writer.create().appendArray(items, (w, { number, text, bytes }) => {
        w.appendInt64(BigInt(number)).appendString(text).appendBytes(Buffer.from(bytes)).appendInt16(-7)
      })
      const fields = createFields(writer.buffer, 0)
      const read = fields.array(() => {
        const item = { number: fields.int64(), text: fields.text(), bytes: new Uint8Array(fields.bytes()) }
        expect(fields.int16()).toBe(-7)
        return item
      })
      expect(read).toEqual(items)
    },
  )
  fc.assert(property, { seed })
})

test('says that an answer is cut off', () => {
  const whole = Writer.create().appendString('a text of some length').buffer
  for (let length = 0; length < whole.length; length++)
    expect(() => createFields(whole.subarray(0, length), 0).text()).toThrow(RangeError)
})
