import { type Channel, countReadings, countSamples } from '@millrace/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decoderPlugins } from './decoders/index.ts'
import { createIntake, type Drained } from './intake.ts'
import { addStretch, type Stretches } from './stretches.ts'
import { createTimes } from './times.ts'

const seed = Number(process.env.MILLRACE_SEED ?? 20261101)
const start = 1_790_000_000_000
const dayMs = 86_400_000

interface Variant {
  kind: string
  config: object
  values: Record<string, number>
  intervalMs: number
}

const variants: Record<string, Variant> = {
  'contec-cms50 new': {
    kind: 'contec-cms50',
    config: { framing: 'new' },
    values: { pulse_rate: 65, spo2: 97, pleth: 51 },
    intervalMs: 1000 / 60,
  },
  'contec-cms50 old': {
    kind: 'contec-cms50',
    config: { framing: 'old' },
    values: { pulse_rate: 65, spo2: 97, pleth: 51 },
    intervalMs: 1000 / 60,
  },
  'nmea-0183': { kind: 'nmea-0183', config: {}, values: { latitude: 1, longitude: 2, fix: 1, speed: 7 }, intervalMs: 1000 },
  'openbci-cyton 250': { kind: 'openbci-cyton', config: { accel: true }, values: { ch1: 5, accel_x: 1 }, intervalMs: 4 },
  'openbci-cyton 1000': { kind: 'openbci-cyton', config: { rateHz: 1000 }, values: { ch1: 5 }, intervalMs: 1 },
  'openbci-cyton 2000': { kind: 'openbci-cyton', config: { rateHz: 2000 }, values: { ch1: 5 }, intervalMs: 0.5 },
}

type Event =
  | { kind: 'bytes'; waitMs: number; frames: number }
  | { kind: 'restart' | 'reconnect' | 'drain'; waitMs: number }
  | { kind: 'step'; byMs: number }

/** A device on an agent that is killed now and then: what its outbox would hold. */
function createDevice({ kind, config, values }: Variant, given: Stretches) {
  const plugin = decoderPlugins[kind]!
  const parsed = plugin.schema.parse(config)
  const channels = plugin.channels(parsed)
  const encode = plugin.createEncoder(parsed)
  const committed: Drained[] = []
  let atMs = start
  let decoder = plugin.create(parsed)
  let intake = createIntake({ device: 'd', channels, given })

  function commit(): void {
    for (let drained = intake.drain(); drained; drained = intake.drain()) {
      committed.push(drained)
      for (const times of timesOf(drained, channels).values())
        if (times.length > 0) given = addStretch(given, times[0]!, times.at(-1)!)
    }
  }

  return {
    channels,
    committed,
    commit,
    take(event: Event): void {
      atMs += event.kind === 'step' ? event.byMs : event.waitMs
      if (event.kind === 'drain') commit()
      if (event.kind === 'reconnect') decoder.reset()
      if (event.kind === 'restart') {
        commit()
        decoder = plugin.create(parsed)
        intake = createIntake({ device: 'd', channels, given })
      }
      if (event.kind === 'bytes')
        decoder.decode(Buffer.concat(Array.from({ length: event.frames }, () => encode({ values }))), atMs, intake)
    },
  }
}

/** As a store names them: by the millisecond, of faster channels by the microsecond. */
function timesOf({ columns }: Drained, channels: Channel[]): Map<string, number[]> {
  const times = new Map<string, number[]>()
  for (const [name, { t }] of Object.entries(columns.channels)) times.set(name, t)
  for (const [name, segments] of Object.entries(columns.waves)) {
    const perMs = channels.find((channel) => channel.name === name)!.intervalMs! < 1 ? 1000 : 1
    const names = segments.flatMap(({ t, i, v }) => v.map((_, k) => Math.round((t + k * i) * perMs) / perMs))
    times.set(name, names)
  }
  return times
}

const rises = (times: number[]) => times.every((t, k) => k === 0 || t > times[k - 1]!)

/** All times of each channel, in the order of their commits. */
function allTimes(committed: Drained[], channels: Channel[]): Map<string, number[]> {
  const all = new Map<string, number[]>()
  for (const drained of committed)
    for (const [name, times] of timesOf(drained, channels)) all.set(name, [...(all.get(name) ?? []), ...times])
  return all
}

const bytes = fc.record({
  kind: fc.constant('bytes' as const),
  waitMs: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 3000 })),
  frames: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 300 })),
})
const other = fc.record({
  kind: fc.constantFrom('restart' as const, 'reconnect' as const, 'drain' as const, 'drain' as const),
  waitMs: fc.integer({ min: 0, max: 200 }),
})
const stepBy = (...byMs: number[]) => fc.record({ kind: fc.constant('step' as const), byMs: fc.constantFrom(...byMs) })
const eventsWith = (steps: fc.Arbitrary<Event>) =>
  fc.array(fc.oneof({ weight: 6, arbitrary: bytes }, { weight: 3, arbitrary: other }, { weight: 1, arbitrary: steps }), {
    minLength: 5,
    maxLength: 60,
  })

describe.each(Object.entries(variants))('the times of %s', (_, variant) => {
  it('are 1 ms apart or more though all waited in the kernel when the agent started', () => {
    const device = createDevice(variant, [])
    for (let k = 0; k < 20; k++) device.take({ kind: 'bytes', waitMs: variant.intervalMs, frames: 1 })
    device.take({ kind: 'restart', waitMs: 50 })
    device.take({ kind: 'bytes', waitMs: 0, frames: 108 })
    for (let k = 0; k < 20; k++) device.take({ kind: 'bytes', waitMs: variant.intervalMs, frames: 1 })
    device.commit()
    for (const [name, times] of allTimes(device.committed, device.channels)) {
      expect([name, new Set(times).size]).toEqual([name, times.length])
      expect([name, rises(times)]).toEqual([name, true])
    }
    for (const { counts } of device.committed) expect(counts.rejected).toEqual([0, 0])
  })

  it('rise strictly over bursts, silences, restarts, reconnects and a clock that is set back', () => {
    const steps = stepBy(-500, -5000, -3_600_000, -dayMs, -365 * dayMs, 500, 5000, 50_000)
    fc.assert(
      fc.property(eventsWith(steps), (events) => {
        const device = createDevice(variant, [[start - 30_000 * dayMs, start]])
        for (const event of events) device.take(event)
        device.commit()
        for (const times of allTimes(device.committed, device.channels).values()) expect(rises(times)).toBe(true)
      }),
      { seed, numRuns: 40 },
    )
  })

  it('are given once whatever the clock does, rise in each batch, and every sample is accounted for', () => {
    const steps = stepBy(-500, -5000, -3_600_000, -dayMs, -365 * dayMs, 500, 50_000, 3_600_000, dayMs, 365 * dayMs)
    fc.assert(
      fc.property(eventsWith(steps), (events) => {
        const device = createDevice(variant, [])
        for (const event of events) device.take(event)
        device.commit()
        for (const drained of device.committed) {
          for (const times of timesOf(drained, device.channels).values()) expect(rises(times)).toBe(true)
          const { columns, counts } = drained
          expect(counts.read).toEqual([
            countReadings(columns) + counts.rejected[0] + counts.filtered[0],
            countSamples(columns) + counts.rejected[1] + counts.filtered[1],
          ])
        }
        for (const times of allTimes(device.committed, device.channels).values()) expect(new Set(times).size).toBe(times.length)
      }),
      { seed, numRuns: 40 },
    )
  })
})

describe('the times of a device', () => {
  const options = { aheadMsMax: 10_000, besideMs: 1, backMsMax: 1000 }
  const ask = (given: Stretches = []) => {
    const backs: number[] = []
    let lastMs = Number.NEGATIVE_INFINITY
    const times = createTimes(given, { ...options, onBack: (byMs) => backs.push(byMs) })
    const give = (atMs: number) => {
      const t = times.give(atMs, lastMs, 1)
      if (t !== undefined) lastMs = t
      return t
    }
    return { give, backs }
  }

  it('follow a clock that comes back from a jump far ahead, and step over the jump when they reach it', () => {
    const { give, backs } = ask([[start - 5000, start]])
    expect(give(start + 10)).toBe(start + 10)
    expect(give(start + dayMs)).toBe(start + dayMs)
    expect(give(start + dayMs + 500)).toBe(start + dayMs + 500)
    expect(give(start + 1000)).toBe(start + 1000)
    expect(backs).toEqual([dayMs - 500])
    expect(give(start + dayMs + 5)).toBe(start + dayMs + 502)
    expect(give(start + dayMs + 5)).toBe(start + dayMs + 503)
    expect(give(start + dayMs + 900)).toBe(start + dayMs + 900)
  })

  it('go on 1 ms apart where the clock was set back into what was given, until it has caught up', () => {
    const { give, backs } = ask([[start - dayMs, start]])
    expect(give(start - 3_600_000)).toBe(start + 1)
    expect(backs).toEqual([3_600_001])
    expect(give(start - 3_599_000)).toBe(start + 2)
    expect(give(start + 100)).toBe(start + 100)
    expect(give(start - 7_200_000)).toBe(start + 102)
    expect(backs).toEqual([3_600_001, 7_200_100])
  })

  it('are undefined for a value that is not a time', () => {
    const { give } = ask()
    for (const atMs of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) expect(give(atMs)).toBeUndefined()
    expect(give(start)).toBe(start)
    for (const atMs of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) expect(give(atMs)).toBeUndefined()
    expect(give(start)).toBe(start + 1)
  })

  it('have no time left for what comes faster than 1,000 a second for long', () => {
    const { give } = ask()
    for (let k = 0; k <= 10_000; k++) expect(give(start)).toBe(start + k)
    expect(give(start)).toBeUndefined()
    expect(give(start + 20_000)).toBe(start + 20_000)
  })
})
