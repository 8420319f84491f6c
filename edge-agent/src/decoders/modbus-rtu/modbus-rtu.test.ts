import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeDecoder } from '../conformance.ts'
import { type Call, epochMs, recorder } from '../recorder.ts'
import { modbusRtu } from './modbus-rtu.ts'

const whole = (min: number, max: number) => fc.integer({ min, max })
const registers = [
  { name: 'a', at: 10, type: 'uint16' },
  { name: 'b', at: 11, type: 'int32', words: 'little' },
  { name: 'c', at: 13, type: 'float64' },
  { name: 'd', at: 0x300, type: 'uint64', table: 'input' },
  { name: 'e', at: 0x304, type: 'int16', table: 'input' },
]

const sdm630 = modbusRtu.schema.parse({ model: 'sdm630' })

describeDecoder(modbusRtu, join(import.meta.dirname, 'cases'), [
  {
    name: 'types and tables',
    config: modbusRtu.schema.parse({ registers }),
    frame: fc.record({
      values: fc.record({
        a: whole(0, 65_535),
        b: whole(-(2 ** 31), 2 ** 31 - 1),
        c: fc.double({ noNaN: true }),
        d: fc.maxSafeNat(),
        e: whole(-32_768, 32_767),
      }),
    }),
    garbage: fc.uint8Array({ min: 2, minLength: 1, maxLength: 100 }),
    intervalMs: 1000,
  },
  {
    name: 'a three-phase meter',
    config: sdm630,
    frame: fc.record({
      values: fc.record(Object.fromEntries(sdm630.registers.map(({ name }) => [name, fc.float({ noNaN: true })]))),
    }),
    garbage: fc.uint8Array({ min: 2, minLength: 1, maxLength: 100 }),
    intervalMs: 1000,
  },
])

describe('polling', () => {
  const config = modbusRtu.schema.parse({ model: 'senseair-s8', everyMs: 2000, timeoutMs: 300 })
  const status = Buffer.from('fe04020000ad24', 'hex')
  const co2 = Buffer.from('fe04020190acd8', 'hex')

  /** Asks every 20 ms. `answer` gives what the device says to a request, and after how long. */
  function poll(forMs: number, answer: (request: string, atMs: number) => [bytes: Uint8Array, afterMs: number] | undefined) {
    const { sink, calls } = recorder()
    const decoder = modbusRtu.create(config)
    const sent: [number, string][] = []
    let due: [Uint8Array, number][] = []
    for (let ms = 0; ms <= forMs; ms += decoder.poll!.everyMs) {
      for (const [bytes] of due.filter(([, at]) => at <= ms)) decoder.decode(bytes, epochMs + ms, sink)
      due = due.filter(([, at]) => at > ms)
      const request = decoder.poll!.next(epochMs + ms, sink)
      if (!request) continue
      sent.push([ms, Buffer.from(request).toString('hex')])
      const [bytes, afterMs] = answer(sent.at(-1)![1], ms) ?? []
      if (bytes) due.push([bytes, ms + afterMs!])
    }
    return { calls, sent }
  }
  const good = (request: string): Uint8Array => (request === 'fe0400030001d5c5' ? co2 : status)
  const readings = (calls: Call[]) => calls.filter(([kind]) => kind === 'reading').map(([, ...rest]) => rest)

  it('asks for one block after another, each when the last was answered, and again after everyMs', () => {
    const { calls, sent } = poll(2100, (request) => [good(request), 60])
    expect(sent).toEqual([
      [0, 'fe040000000125c5'],
      [60, 'fe0400030001d5c5'],
      [2000, 'fe040000000125c5'],
      [2060, 'fe0400030001d5c5'],
    ])
    expect(readings(calls)).toEqual([
      ['status', 60, 0],
      ['co2', 120, 400],
      ['status', 2060, 0],
    ])
  })

  it('reads the same when the adapter gives back what was sent', () => {
    const { calls } = poll(500, (request) => [Buffer.concat([Buffer.from(request, 'hex'), good(request)]), 60])
    expect(readings(calls)).toEqual([
      ['status', 60, 0],
      ['co2', 120, 400],
    ])
  })

  it('says once that no answer comes, and reads on when it does', () => {
    const { calls } = poll(7000, (request, ms) => (request === 'fe0400030001d5c5' && ms < 5000 ? undefined : [good(request), 60]))
    expect(calls.filter(([kind]) => kind === 'absent' || kind === 'bad')).toEqual([
      ['bad', 360, 'no-answer', 'fe0400030001d5c5'],
      ['absent', 'co2', 360, 'link-down'],
    ])
    expect(readings(calls).filter(([channel]) => channel === 'co2')).toEqual([['co2', 6120, 400]])
  })

  it('does not take a late answer for one to the next request', () => {
    const { calls } = poll(1200, (request) => (request === 'fe0400030001d5c5' ? [co2, 400] : [status, 60]))
    expect(readings(calls)).toEqual([['status', 60, 0]])
  })

  it('tells an exception once, by its code', () => {
    const exception = Buffer.from('fe8402f2f1', 'hex')
    const { calls } = poll(4500, () => [exception, 60])
    expect(calls.filter(([kind]) => kind === 'absent' || kind === 'bad').slice(0, 4)).toEqual([
      ['bad', 60, 'exception:2', 'fe8402f2f1'],
      ['absent', 'status', 60, 'no-value'],
      ['bad', 120, 'exception:2', 'fe8402f2f1'],
      ['absent', 'co2', 120, 'no-value'],
    ])
    expect(calls.filter(([kind]) => kind === 'bad')).toHaveLength(2)
  })

  it('asks on when the clock is set back', () => {
    const { sink } = recorder()
    const decoder = modbusRtu.create(config)
    expect(decoder.poll!.next(epochMs, sink)).toBeDefined()
    decoder.decode(status, epochMs + 10, sink)
    expect(decoder.poll!.next(epochMs - 3_600_000, sink)).toBeDefined()
  })
})

it('does not take an answer for one to an earlier request, when the request to it was damaged', () => {
  const two = {
    registers: [
      { name: 'a', at: 1 },
      { name: 'b', at: 10 },
    ],
    listen: true,
  }
  const config = modbusRtu.schema.parse(two)
  const heard = modbusRtu.createEncoder(config)({ values: { a: 1, b: 2 } })
  const { sink, calls } = recorder()
  // Request and answer of `a`, then of `b`: the first answer is lost, and a bit of the second request turned.
  const bytes = Buffer.concat([heard.subarray(0, 8), heard.subarray(15)])
  bytes[10]! ^= 1
  modbusRtu.create(config).decode(bytes, epochMs, sink)
  expect(calls.filter(([kind]) => kind === 'reading')).toEqual([])
})

it('asks for nothing when it only listens', () => {
  expect(modbusRtu.create(modbusRtu.schema.parse({ model: 'generic', listen: true })).poll).toBeUndefined()
})

it.each([
  [{}, /set model or registers/],
  [{ model: 'sdm630', registers: [{ name: 'a', at: 1 }] }, /set model or registers/],
  [
    {
      registers: [
        { name: 'a', at: 1 },
        { name: 'a', at: 2 },
      ],
    },
    /two channels are called a/,
  ],
  [{ registers: [{ name: 'a', at: 70_000 }] }, /registers/],
])('refuses %j', (given, message) => {
  expect(modbusRtu.schema.safeParse(given).error!.message).toMatch(message)
})
