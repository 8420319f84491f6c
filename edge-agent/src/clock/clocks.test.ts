import type { Clock } from '@millrace/platform'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { addStretch, type Stretches } from '../stretches.ts'
import { Clocks } from './clocks.ts'
import { type Known, offsetAt } from './offsets.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const start = Date.UTC(2026, 5, 1)

/** A machine: true time, its wall clock, and what its outbox keeps over restarts. */
let trueMs: number
let wrongMs: number
let bootedMs: number
let boots: number
let kept: Map<string, string>
let given: Stretches
let lastMs: number

beforeEach(() => {
  trueMs = bootedMs = start
  wrongMs = boots = lastMs = 0
  kept = new Map()
  given = []
})

function boot(wrong: number) {
  boots++
  bootedMs = trueMs
  wrongMs = wrong
}

let runs = 0

/** The agent starts. Its monotonic clock counts from there. */
function run() {
  const startedMs = trueMs
  const clock: Clock = { now: () => Math.round(trueMs + wrongMs), monotonic: () => trueMs - startedMs, after: () => () => {} }
  const records = {
    kept,
    keep: (key: string, value?: string) => void (value === undefined ? kept.delete(key) : kept.set(key, value)),
  }
  const stream = `run${++runs}`
  const clocks = new Clocks({
    clock,
    boot: { id: `b${boots}`, atMs: startedMs - bootedMs },
    stream,
    records,
    given,
    lastMs: [lastMs],
  })
  const stamps: { stamp: number; trueMs: number; stream: string }[] = []
  return {
    clocks,
    stamps,
    measure(seconds: number) {
      for (let k = 0; k < seconds; k++) {
        trueMs += 1000
        const stamp = clocks.clock.now()
        stamps.push({ stamp, trueMs, stream })
        lastMs = stamp
        given = addStretch(given, stamp, stamp)
      }
    },
    receipt: (off = 0) => clocks.learn(clock.monotonic(), trueMs + off - clock.monotonic(), 5),
  }
}

type Run = ReturnType<typeof run>

function errors(by: Run, { stamps }: Run): number[] {
  return stamps.map(({ stamp, trueMs: at, stream }) => Math.abs(stamp + by.clocks.offsetOf(stream, stamp)!.offsetMs - at))
}

test('a boot in 1970 is corrected when its first receipt comes, runs before included', () => {
  boot(-start)
  const first = run()
  first.measure(600)
  expect(first.clocks.offsetOf('run1', 0)).toBeUndefined()
  trueMs += 5000
  const second = run()
  second.measure(10)
  second.receipt()
  for (const one of [first, second]) expect(Math.max(...errors(second, one))).toBeLessThanOrEqual(1)
})

test('a wall clock that jumps, ahead or back, leaves no trace in the order of the stamps', () => {
  const jump = fc.constantFrom(0, dayMs, -3 * hourMs, -start, 400 * dayMs, 90_000, -90_000)
  fc.assert(
    fc.property(
      fc.array(fc.tuple(jump, fc.boolean(), fc.integer({ min: 1, max: 400 })), { minLength: 1, maxLength: 8 }),
      (steps) => {
        trueMs = bootedMs = start
        wrongMs = lastMs = 0
        kept = new Map()
        given = []
        const all: Run[] = [run()]
        for (const [wrong, isRestart, seconds] of steps) {
          wrongMs = wrong
          if (isRestart) {
            trueMs += 3000
            all.push(run())
          }
          all.at(-1)!.measure(seconds)
        }
        const last = all.at(-1)!
        last.measure(1)
        last.receipt()
        const stamps = all.flatMap((one) => one.stamps.map(({ stamp }) => stamp))
        expect(new Set(stamps).size).toBe(stamps.length)
        for (const one of all) expect(Math.max(0, ...errors(last, one))).toBeLessThanOrEqual(2)
      },
    ),
    { numRuns: 200 },
  )
})

test('what is kept is enough after a restart', () => {
  const first = run()
  first.measure(60)
  first.receipt()
  wrongMs = dayMs
  const second = run()
  second.measure(10)
  expect(Math.max(...errors(second, first), ...errors(second, second))).toBeLessThanOrEqual(1)
})

describe('a boot without a receipt', () => {
  test('of 1970 is taken to have ended when the next one began, with an uncertainty that holds', () => {
    const before = run()
    before.measure(60)
    before.receipt()
    trueMs += hourMs
    boot(-start)
    const lost = run()
    lost.measure(600)
    trueMs += 2 * hourMs
    boot(0)
    const now = run()
    now.measure(5)
    now.receipt()
    const { stamp, trueMs: at, stream } = lost.stamps[0]!
    const { offsetMs, uncertaintyMs } = now.clocks.offsetOf(stream, stamp)!
    expect(Math.abs(stamp + offsetMs - at)).toBeLessThanOrEqual(uncertaintyMs)
    expect(uncertaintyMs).toBeLessThanOrEqual(4 * hourMs)
    expect(Math.max(...errors(now, before))).toBeLessThanOrEqual(1)
  })

  test('whose stamps are plausible keeps them, and says how far off they may be', () => {
    const lost = run()
    lost.measure(600)
    trueMs += hourMs
    boot(0)
    const now = run()
    now.measure(5)
    now.receipt()
    const { offsetMs, uncertaintyMs } =
      now.clocks.offsetOf('x', 0) ?? now.clocks.offsetOf(lost.stamps[0]!.stream, lost.stamps[0]!.stamp)!
    expect(offsetMs).toBe(0)
    expect(uncertaintyMs).toBeGreaterThan(hourMs)
  })
})

test('an absence that began in an earlier run is told as the clock of this one would have stamped it', () => {
  boot(-start)
  const first = run()
  first.measure(60)
  first.receipt()
  const { stamp, trueMs: at } = first.stamps.at(-1)!
  trueMs += 60_000
  boot(0)
  const second = run()
  second.measure(5)
  second.receipt()
  expect(second.clocks.translate(stamp, second.stamps[0]!.stream, second.stamps[0]!.stamp)).toBeCloseTo(at, -1)
})

describe('between two receipts', () => {
  const all: Known[] = [
    [0, 1000, 5],
    [100 * hourMs, 1000 + 18_000, 5],
  ]
  test('drift over an outage is taken out', () => {
    expect(offsetAt(all, 50 * hourMs)!.offsetMs).toBe(10_000)
  })
  test('a processor whose clock was set is not interpolated', () => {
    const set: Known[] = [all[0]!, [1000, 1000 + dayMs, 5]]
    expect(offsetAt(set, 500)!.offsetMs).toBe(1000 + dayMs)
  })
})
