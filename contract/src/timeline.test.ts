import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TimelineRecord } from './records/timeline.ts'
import { decodeJson, decodeRaw, encodeJson, encodeRaw } from './timeline.ts'

describe('a raw record', () => {
  it('of a message keeps topic, time and bytes as they came', () => {
    const message = fc.record({
      k: fc.constant('message' as const),
      topic: fc.string({ unit: 'grapheme', maxLength: 80 }),
      payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      receivedMs: fc.double({ noNaN: true }),
    })
    fc.assert(
      fc.property(message, (message) => {
        expect(decodeRaw(encodeRaw(message))).toEqual(message)
      }),
    )
  })

  it('is laid out as described', () => {
    const bytes = encodeRaw({ k: 'message', topic: 'a/b', payload: Uint8Array.of(0xff), receivedMs: 1 })
    expect(Buffer.from(bytes).toString('hex')).toBe(`01${'0003'}${'612f62'}${'3ff0000000000000'}ff`)
  })

  it('keeps QoS, RETAIN and DUP, and an older record has none', () => {
    const message = { k: 'message' as const, topic: 'a', payload: Buffer.from('x'), receivedMs: 1 }
    for (const qos of [0, 1, 2])
      for (const retain of [false, true])
        for (const dup of [false, true]) {
          const read = decodeRaw(encodeRaw({ ...message, qos, retain, dup }))
          expect({ qos: 0, retain: false, dup: false, ...read }).toEqual({ ...message, qos, retain, dup })
        }
    expect(
      Buffer.from(encodeRaw({ ...message, qos: 1, retain: true }))
        .toString('hex')
        .slice(0, 2),
    ).toBe('31')
    expect(decodeRaw(Buffer.from('0100016140000000000000007f', 'hex'))).toMatchObject({ topic: 'a', receivedMs: 2 })
  })

  it('is read out of the middle of a larger buffer', () => {
    const bytes = encodeRaw({ k: 'message', topic: 't', payload: Buffer.from('xyz'), receivedMs: 7 })
    const larger = new Uint8Array(bytes.length + 20)
    larger.set(bytes, 10)
    expect(decodeRaw(larger.subarray(10, 10 + bytes.length))).toEqual({
      k: 'message',
      topic: 't',
      payload: Buffer.from('xyz'),
      receivedMs: 7,
    })
  })

  it('of a tick or an order is JSON', () => {
    for (const record of [
      { k: 'tick' as const, atMs: 5 },
      { k: 'control' as const, atMs: 6, control: { by: 'ann', type: 'acknowledge' as const, alarm: 'a/b/c/1', note: 'ä' } },
    ])
      expect(decodeRaw(encodeRaw(record))).toEqual(record)
  })
})

describe('a timeline record', () => {
  it('comes back as it went', () => {
    const record: TimelineRecord = {
      f: 1,
      k: 'readings',
      subject: 'bed 4 ä',
      device: 'd',
      stream: 'abcdefgh',
      number: 3,
      hist: false,
      receivedMs: 5,
      channels: { hr: { t: [1, 2], v: [60, 61], q: [0, 1] } },
      waves: { pleth: [{ t: 1.5, i: 4, v: [1, -2] }] },
    }
    expect(decodeJson<TimelineRecord>(encodeJson(record))).toEqual(record)
  })
})
