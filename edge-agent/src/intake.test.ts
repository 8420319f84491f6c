import { type Channel, type Counter, countReadings, countSamples, increaseOf } from '@millrace/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contecCms50 } from './decoders/contec-cms50/contec-cms50.ts'
import type { FilterConfig } from './filters/index.ts'
import { createIntake, type Drained, type Intake } from './intake.ts'

const seed = Number(process.env.MILLRACE_SEED ?? 20261101)
const start = 1_790_000_000_000
const channels: Channel[] = [
  { name: 'n', kind: 'number', datatype: 'Int16', unit: '1' },
  { name: 'f', kind: 'number', datatype: 'Float', unit: '1' },
  { name: 'big', kind: 'number', datatype: 'Int64', unit: '1' },
  { name: 'text', kind: 'text', datatype: 'String', unit: '1' },
  { name: 'on', kind: 'boolean', datatype: 'Boolean', unit: '1' },
  { name: 'w', kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs: 4 },
]
const intakeOf = (filters: Record<string, object> = {}, limits = {}) =>
  createIntake({ device: 'd', channels, filters: filters as Record<string, FilterConfig>, limits })

function all(intake: Intake): Drained[] {
  const list: Drained[] = []
  for (let drained = intake.drain(); drained; drained = intake.drain()) list.push(drained)
  return list
}

function expectBalanced({ columns, counts }: Drained): void {
  expect(counts.read[0]).toBe(countReadings(columns) + counts.filtered[0] + counts.rejected[0])
  expect(counts.read[1]).toBe(countSamples(columns) + counts.filtered[1] + counts.rejected[1])
}

function totalOf(values: number[], counter: Counter): number {
  return values.reduce((sum, value, k) => sum + (k === 0 ? 0 : increaseOf(values[k - 1]!, value, counter).by), 0)
}

describe('the intake', () => {
  it('begins an absence no earlier than its newest reading, whose time may be a little ahead of the bytes', () => {
    const intake = intakeOf()
    for (let k = 0; k < 3; k++) intake.sample('w', start + 4.25 + 4 * k, k)
    intake.reading('n', start + 15, 7)
    intake.gap(start + 10, 'stalled')
    intake.absent('w', start + 10, 'searching')
    intake.absent('n', start - 5000, 'out-of-range')
    const { absences } = intake.drain()!.columns
    expect(absences!.map(({ t }) => t - start)).toEqual([15, 12, -5000])
  })

  it('has nothing to drain when nothing came', () => {
    expect(intakeOf().drain()).toBeUndefined()
  })

  it('hands over columns, counts and bad frames, once', () => {
    const intake = intakeOf()
    intake.frame()
    intake.reading('n', start, 7)
    intake.reading('text', start, 'x')
    intake.reading('n', start + 10, 8, 'uncertain')
    intake.bad(start + 20, 'not-a-frame', Uint8Array.of(1, 255))
    expect(intake.drain()).toEqual({
      device: 'd',
      columns: {
        channels: { n: { t: [start, start + 10], v: [7, 8], q: [0, 1] }, text: { t: [start], v: ['x'] } },
        waves: {},
      },
      bad: [{ atMs: start + 20, reason: 'not-a-frame', hex: '01ff', bytes: 2 }],
      counts: { read: [3, 0], filtered: [0, 0], rejected: [0, 0], evicted: [0, 0], frames: [1, 1] },
    })
    expect(intake.drain()).toBeUndefined()
  })

  it.each([
    ['n', 32_768, 'out-of-range'],
    ['n', 1.5, 'not-an-integer'],
    ['n', Number.NaN, 'not-a-number'],
    ['n', 'seven', 'type'],
    ['f', Number.POSITIVE_INFINITY, 'not-a-number'],
    ['big', 2 ** 53, 'out-of-range'],
    ['on', 1, 'type'],
    ['text', 'x'.repeat(2000), 'too-long'],
    ['nobody', 1, 'unknown-channel'],
  ])('refuses %s = %s: %s', (channel, value, why) => {
    const intake = intakeOf()
    intake.reading(channel, start, value)
    const drained = intake.drain()!
    expect(drained.bad.map(({ reason }) => reason)).toEqual([`value:${channel}:${why}`])
    expect(drained.counts.rejected).toEqual([1, 0])
    expectBalanced(drained)
  })

  it('puts a reading that repeats a millisecond into the next, and refuses it beyond the bound', () => {
    const intake = intakeOf({}, { aheadMsMax: 2 })
    for (let k = 0; k < 5; k++) intake.reading('n', start, k)
    const drained = intake.drain()!
    expect(drained.columns.channels.n).toEqual({ t: [start, start + 1, start + 2], v: [0, 1, 2] })
    expect(drained.bad.map(({ reason }) => reason)).toEqual(['value:n:time', 'value:n:time'])
    expectBalanced(drained)
  })

  it('believes a clock that went back, and hands over what was before apart', () => {
    const intake = intakeOf()
    intake.reading('n', start, 1)
    intake.sample('w', start, 1)
    intake.reading('n', start - 60_000, 2)
    intake.sample('w', start - 60_000, 2)
    const [before, after, ...rest] = all(intake)
    expect(before!.columns.channels.n!.t).toEqual([start])
    expect(after!.columns).toEqual({
      channels: { n: { t: [start - 60_000], v: [2] } },
      waves: { w: [{ t: start - 60_000, i: 4, v: [2] }] },
    })
    expect(rest).toEqual([])
  })

  it('records an absence once, until a reading ends it', () => {
    const intake = intakeOf()
    intake.gap(start, 'unplugged')
    intake.gap(start + 5, 'unplugged')
    intake.absent('n', start + 6, 'probe-off')
    intake.reading('n', start + 10, 1)
    intake.gap(start + 20, 'unplugged')
    expect(intake.drain()!.columns.absences).toEqual([
      { channel: '*', t: start, reason: 'unplugged' },
      { channel: 'n', t: start + 6, reason: 'probe-off' },
      { channel: '*', t: start + 20, reason: 'unplugged' },
    ])
  })

  it('refuses readings at its bound, with an absence, until it is drained', () => {
    const intake = intakeOf({}, { readingsMax: 2 })
    for (let k = 0; k < 4; k++) intake.reading('n', start + k, k)
    intake.sample('w', start, 1)
    const drained = intake.drain()!
    expect(drained.counts).toMatchObject({ read: [4, 1], rejected: [2, 1] })
    expect(drained.columns.absences).toEqual([{ channel: '*', t: start + 2, reason: 'evicted' }])
    expectBalanced(drained)
    intake.reading('n', start + 9, 9)
    expect(intake.drain()!.counts.rejected).toEqual([0, 0])
  })

  it('merges bad frames past their bound, and counts each', () => {
    const intake = intakeOf({}, { badFramesMax: 2 })
    for (let k = 0; k < 5; k++) intake.bad(start + k, 'not-a-frame', new Uint8Array(1000))
    const { bad, counts } = intake.drain()!
    expect(counts.frames).toEqual([0, 5])
    expect(bad.map(({ reason, bytes, hex }) => [reason, bytes, hex.length])).toEqual([
      ['not-a-frame', 1000, 512],
      ['not-a-frame', 1000, 512],
      ['merged:3', 3000, 512],
    ])
  })
})

describe('filters in the intake', () => {
  const deadband = { n: { kind: 'absolute', heartbeatMs: 0, band: 1 } }

  it('count what they hold back, and let pass the first reading, the first after an absence, and a change of quality', () => {
    const intake = intakeOf(deadband)
    intake.reading('n', start, 5)
    intake.reading('n', start + 1, 5)
    intake.gap(start + 2, 'unplugged')
    intake.reading('n', start + 3, 5)
    intake.reading('n', start + 4, 5, 'bad')
    intake.reading('n', start + 5, 5, 'bad')
    intake.reading('n', start + 6, 5)
    const drained = intake.drain()!
    expect(drained.columns.channels.n!.t).toEqual([0, 3, 4, 6].map((ms) => start + ms))
    expect(drained.counts.filtered).toEqual([2, 0])
    expectBalanced(drained)
  })

  it('keep the waiting reading of a swinging door when it settles', () => {
    const intake = intakeOf({ n: { kind: 'swinging-door', heartbeatMs: 0, deviation: 0.5 } })
    for (const [k, v] of [0, 10, 20, 20, 20].entries()) intake.reading('n', start + k * 10, v)
    const drained = intake.drain()!
    expect(drained.columns.channels.n!.v).toEqual([0, 20])
    expectBalanced(drained)
    intake.settle()
    expect(intake.drain()).toMatchObject({ columns: { channels: { n: { t: [start + 40], v: [20] } } }, counts: { read: [1, 0] } })
  })

  it('keep of a counter what its total needs, whatever they hold back', () => {
    const kinds = [
      { kind: 'absolute', heartbeatMs: 0, band: 30 },
      { kind: 'percent', heartbeatMs: 400, percent: 50 },
      { kind: 'rate', heartbeatMs: 0, perSecond: 1000 },
      { kind: 'swinging-door', heartbeatMs: 0, deviation: 30 },
    ]
    const step = fc.record({ by: fc.nat(20), isReset: fc.boolean(), isDrained: fc.boolean() })
    const counters = fc.constantFrom({ resets: true }, { modulus: 100, resets: false })
    const property = fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.constantFrom(...kinds),
      counters,
      (steps, filter, counter) => {
        const filters = { steps: filter as FilterConfig }
        const intake = createIntake({ device: 'd', channels: [{ ...channels[0]!, name: 'steps', counter }], filters })
        let value = 40
        const given = steps.map(({ by, isReset, isDrained }, k) => {
          value = counter.modulus ? (value + by) % counter.modulus : isReset ? by : value + by
          intake.reading('steps', start + 50 * k, value)
          return { value, drained: isDrained ? all(intake) : [] }
        })
        intake.settle()
        const drained = [...given.flatMap((one) => one.drained), ...all(intake)]
        for (const each of drained) expectBalanced(each)
        const kept = drained.flatMap(({ columns }) => columns.channels.steps?.v ?? []) as number[]
        expect(totalOf(kept, counter)).toBe(
          totalOf(
            given.map((one) => one.value),
            counter,
          ),
        )
      },
    )
    fc.assert(property, { seed, numRuns: 400 })
  })

  it('of a channel that is not there, or no number, are refused by name', () => {
    expect(() => intakeOf({ m: deadband.n })).toThrow(/CONFIG_INVALID.*m is not a channel; the channels are n, f/)
    expect(() => intakeOf({ on: deadband.n })).toThrow(/on is of kind boolean/)
  })
})

describe('waveforms in the intake', () => {
  it('are joined into segments that break where the spacing does', () => {
    const intake = intakeOf()
    for (const ms of [0.4, 4.4, 8.3, 12.5, 30.5, 34.5]) intake.sample('w', start + ms, Math.floor(ms))
    const drained = intake.drain()!
    expect(drained.columns.waves.w).toEqual([
      { t: start, i: 4, v: [0, 4, 8, 12] },
      { t: start + 31, i: 4, v: [30, 34] },
    ])
    intake.sample('w', start + 38.5, 38)
    expect(intake.drain()!.columns.waves.w).toEqual([{ t: start + 39, i: 4, v: [38] }])
  })

  it('begin no segment in the millisecond that the last sample before rounds to', () => {
    const intake = createIntake({
      device: 'd',
      channels: [{ name: 'w', kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs: 50 / 3 }],
      filters: {},
    })
    for (const [k, at] of [0, 50 / 3, 17, 18, 51].entries()) intake.sample('w', start + at, k)
    const segments = intake.drain()!.columns.waves.w!
    const times = segments.flatMap(({ t, i, v }) => v.map((_, k) => Math.round(t + k * i)))
    expect(new Set(times).size).toBe(5)
  })

  it('keep a squeezed run in one segment, 1 ms apart', () => {
    const intake = intakeOf()
    for (let k = 0; k < 100; k++) intake.sample('w', start + k / 16, k)
    expect(intake.drain()!.columns.waves.w).toEqual([{ t: start, i: 1, v: Array.from({ length: 100 }, (_, k) => k) }])
  })

  it('of a device that is faster than nominal do not run ahead of it', () => {
    for (const intervalMs of [0.5, 1.25, 1.5, 2, 3, 4, 50 / 3]) {
      const w: Channel = { name: 'w', kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs }
      const intake = createIntake({ device: 'd', channels: [w] })
      for (let k = 0; k <= 20_000; k++) intake.sample('w', start + k * intervalMs * 0.99, k)
      const { t, i, v } = intake.drain()!.columns.waves.w!.at(-1)!
      expect(Math.abs(t + (v.length - 1) * i - start - 20_000 * intervalMs * 0.99)).toBeLessThan(1 + intervalMs)
    }
  })

  it('of more than 1,000 samples a second lie on a finer grid', () => {
    const fast: Channel = { name: 'w', kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs: 0.5 }
    const intake = createIntake({ device: 'd', channels: [fast] })
    for (const atMs of [0, 0.5, 1, 1.6, 1.6, 1.6, 1.6]) intake.sample('w', start + atMs, 1)
    expect(intake.drain()!.columns.waves.w).toEqual([
      { t: start, i: 0.5, v: [1, 1, 1, 1] },
      { t: start + 1.75, i: 0.25, v: [1, 1, 1] },
    ])
  })

  it('lose no sample, whatever the spacing, and do not overlap', () => {
    const steps = fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { maxLength: 80 })
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 30 }), (waits, drainEvery) => {
        const intake = intakeOf()
        const segments = []
        let at = start
        for (const [k, wait] of waits.entries()) {
          at += wait
          intake.sample('w', at, k)
          if (k % drainEvery === 0) segments.push(...intake.drain()!.columns.waves.w!)
        }
        segments.push(...(intake.drain()?.columns.waves.w ?? []))
        expect(segments.flatMap(({ v }) => v)).toEqual(waits.map((_, k) => k))
        let end = 0
        for (const { t, i, v } of segments) {
          expect(Number.isInteger(t)).toBe(true)
          expect(i).toBeGreaterThanOrEqual(1)
          expect(t).toBeGreaterThan(Math.round(end))
          end = t + (v.length - 1) * i
        }
      }),
      { seed },
    )
  })
})

it('balances for any readings, times and filters', () => {
  const reading = fc.record({
    channel: fc.constantFrom('n', 'f', 'nobody'),
    wait: fc.integer({ min: -2000, max: 100 }),
    value: fc.oneof(fc.integer({ min: -40_000, max: 40_000 }), fc.constant(Number.NaN)),
    quality: fc.constantFrom('good' as const, 'bad' as const),
    next: fc.constantFrom('', '', '', 'drain', 'gap'),
  })
  const filters = fc.constantFrom<Record<string, object>>(
    {},
    { n: { kind: 'swinging-door', heartbeatMs: 200, deviation: 5000 } },
    { f: { kind: 'percent', heartbeatMs: 0, percent: 50 } },
  )
  fc.assert(
    fc.property(fc.array(reading, { maxLength: 100 }), filters, (readings, given) => {
      const intake = intakeOf(given, { readingsMax: 20 })
      const drained: Drained[] = []
      let at = start
      for (const { channel, wait, value, quality, next } of readings) {
        at += wait
        intake.reading(channel, at, value, quality)
        if (next === 'drain') drained.push(...all(intake))
        if (next === 'gap') intake.gap(at, 'stalled')
      }
      intake.settle()
      drained.push(...all(intake))
      for (const each of drained) expectBalanced(each)
      expect(drained.reduce((sum, { counts }) => sum + counts.read[0], 0)).toBe(readings.length)
      for (const { columns } of drained)
        for (const { t } of Object.values(columns.channels)) expect(t).toEqual([...new Set(t)].sort((a, b) => a - b))
    }),
    { seed },
  )
})

it('takes 100,000 readings a second from an oximeter in well under half a core', () => {
  const config = { framing: 'new' as const }
  const encode = contecCms50.createEncoder(config)
  const devices = Array.from({ length: 100 }, () => ({
    decoder: contecCms50.create(config),
    intake: createIntake({ device: 'd', channels: contecCms50.channels(config) }),
  }))
  const frame = encode({ values: { pulse_rate: 65, spo2: 97, pleth: 51 } })
  const chunk = Buffer.concat(Array.from({ length: 6 }, () => frame))
  const before = process.cpuUsage()
  let readings = 0
  // 100 devices for 10 s of their time: 6 frames in each 100 ms, drained each 100 ms.
  for (let at = start; at < start + 10_000; at += 100) {
    for (const { decoder, intake } of devices) {
      decoder.decode(chunk, at, intake)
      const { counts } = intake.drain()!
      readings += counts.read[0] + counts.read[1]
    }
  }
  const { user, system } = process.cpuUsage(before)
  const perSecond = readings / ((user + system) / 1e6)
  expect(readings).toBe(180_000)
  expect(perSecond).toBeGreaterThan(200_000)
})
