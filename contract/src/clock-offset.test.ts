import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeClockOffset, encodeClockOffset } from './clock-offset.ts'
import { encodeBatch, peek } from './sparkplug/index.ts'

const ms = fc.integer({ min: -4e12, max: 4e12 })
const offsets = fc.record({ offsetMs: ms, uncertaintyMs: fc.integer({ min: 0, max: 4e12 }), sentOffsetMs: ms })

test('an offset is read as it was written', () => {
  fc.assert(
    fc.property(offsets, (offset) => {
      expect(decodeClockOffset(encodeClockOffset(offset))).toEqual(offset)
    }),
  )
  fc.assert(
    fc.property(ms, (offsetMs) => {
      const offset = { offsetMs, uncertaintyMs: 4, sentOffsetMs: offsetMs }
      expect(decodeClockOffset(encodeClockOffset(offset))).toEqual(offset)
    }),
  )
})

test('other bytes give none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      expect(decodeClockOffset(Buffer.from(bytes))).toBeUndefined()
    }),
  )
  for (const text of [
    '',
    'millrace-clock:',
    'millrace-clock:1',
    'millrace-clock:1/-1',
    'millrace-clock:1/2/',
    'millrace-clock:1.5/2',
  ])
    expect(decodeClockOffset(Buffer.from(text))).toBeUndefined()
  expect(decodeClockOffset(undefined)).toBeUndefined()
})

test('a batch carries its offset, which peek sees without decoding the metrics', () => {
  const clock = { offsetMs: -10_800_000, uncertaintyMs: 3, sentOffsetMs: 12 }
  const name = { stream: 'streamone', number: 1, count: 0 }
  const columns = { channels: {}, waves: {} }
  const how = { aliasOf: () => 1, datatypeOf: () => 'Int16' as const, timestamp: 5, seq: 1, historical: false }
  expect(peek(encodeBatch({ name, columns, clock, ...how }))).toMatchObject({ clock })
  expect(peek(encodeBatch({ name, columns, ...how }))).not.toHaveProperty('clock')
})
