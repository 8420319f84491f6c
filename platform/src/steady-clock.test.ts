import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Clock } from './clock.ts'
import { type ClockChange, createSteadyClock } from './steady-clock.ts'

const dayMs = 86_400_000
const startMs = Date.UTC(2026, 0, 1)

/** A machine whose wall clock is off by `wrongMs`. */
function machine() {
  let atMs = 0
  let wrongMs = 0
  const base: Clock = { now: () => startMs + Math.floor(atMs) + wrongMs, monotonic: () => atMs, after: () => () => {} }
  const changes: ClockChange[] = []
  const clock = createSteadyClock(base, (change) => changes.push(change))
  return {
    clock,
    changes,
    set(ms: number) {
      wrongMs = ms
    },
    /** Time passes, and the clock is looked at once a second. */
    pass(ms: number) {
      for (const endMs = atMs + ms; atMs < endMs; ) {
        atMs = Math.min(endMs, atMs + 1000)
        clock.now()
      }
    },
    /** By how much the clock is off the true time. */
    off: () => clock.now() - startMs - Math.floor(atMs),
  }
}

describe('the steady clock', () => {
  test.each([365 * dayMs, -3 * 3_600_000, dayMs])('a jump by %i ms for ten seconds leaves no trace', (byMs) => {
    const { clock, changes, set, pass, off } = machine()
    pass(5000)
    set(byMs)
    expect(clock.offMs()).toBe(byMs)
    for (let k = 0; k < 10; k++) {
      pass(1000)
      expect(off()).toBe(0)
    }
    set(0)
    expect([off(), clock.offMs()]).toEqual([0, 0])
    expect(changes).toEqual([
      { what: 'jumped', byMs },
      { what: 'returned', byMs },
    ])
  })

  test('follows a jump that has held for half a minute, and the way back', () => {
    const { changes, set, pass, off } = machine()
    set(dayMs)
    pass(30_000)
    expect(off()).toBe(0)
    pass(1000)
    expect(off()).toBe(dayMs)
    set(0)
    pass(32_000)
    expect(off()).toBe(0)
    expect(changes.map(({ what }) => what)).toEqual(['jumped', 'followed', 'jumped', 'followed'])
  })

  test('follows small steps at once', () => {
    const { changes, set, pass, off } = machine()
    for (const ms of [200, 4000, 8000, 5000]) {
      set(ms)
      pass(1000)
      expect(off()).toBe(ms)
    }
    expect(changes).toEqual([])
  })

  test('another clock decides: it is followed where that agrees with it, and not while that agrees with the old time', () => {
    const gained = machine()
    gained.set(dayMs)
    gained.pass(1000)
    gained.clock.heard(startMs + dayMs + 1500)
    expect(gained.off()).toBe(dayMs)
    const kept = machine()
    kept.set(dayMs)
    for (let k = 0; k < 20; k++) {
      kept.pass(10_000)
      kept.clock.heard(startMs + (k + 1) * 10_000 - 100)
    }
    expect(kept.off()).toBe(0)
    kept.pass(31_000)
    expect(kept.off()).toBe(dayMs)
  })

  test('whatever the wall clock did, the time is right within 31 s of it being right for good', () => {
    const step = fc.record({
      wrongMs: fc.integer({ min: -2 * dayMs, max: 2 * dayMs }),
      forMs: fc.integer({ min: 1, max: 60_000 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const { set, pass, off } = machine()
        for (const { wrongMs, forMs } of steps) {
          set(wrongMs)
          pass(forMs)
        }
        set(0)
        pass(31_001)
        expect(off()).toBe(0)
      }),
    )
  })
})
