import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSampleClock } from './sample-clock.ts'

const seed = Number(process.env.MILLRACE_SEED ?? 20261101)
const start = 1_790_000_000_000

describe('the sample clock', () => {
  it('gives nominal spacing to frames that arrive on time', () => {
    const clock = createSampleClock(4)
    const times = Array.from({ length: 100 }, (_, k) => clock.next(start + 4 * k))
    expect(times).toEqual(Array.from({ length: 100 }, (_, k) => start + 4 * k))
  })

  it('spreads bursts at the nominal interval, ending at their arrival', () => {
    const clock = createSampleClock(4)
    let times: number[] = []
    for (let burst = 0; burst < 500; burst++) times = [0, 1, 2, 3].map(() => clock.next(start + 16 * burst))
    const arrival = start + 16 * 499
    expect(Math.abs(times[3]! - arrival)).toBeLessThan(4)
    for (let k = 1; k < 4; k++) expect(times[k]! - times[k - 1]!).toBeGreaterThan(3.8)
  })

  it('follows a device whose crystal is 1 % slow or fast', () => {
    for (const actual of [4.04, 3.96]) {
      const clock = createSampleClock(4)
      for (let k = 0; k < 20_000; k++) {
        const time = clock.next(start + actual * k)
        expect(Math.abs(time - start - actual * k)).toBeLessThan(15)
      }
    }
  })

  it('begins again after a reset, a long silence, and a wall clock set back', () => {
    const clock = createSampleClock(10)
    clock.next(start)
    expect(clock.next(start + 5000)).toBe(start + 5000)
    clock.reset()
    expect(clock.next(start + 5500)).toBe(start + 5500)
    expect(clock.next(start - 60_000)).toBe(start - 60_000)
  })

  it('leaves room for samples that were lost, but not in the future', () => {
    const clock = createSampleClock(10)
    clock.next(start)
    expect(clock.next(start + 50, 4)).toBeCloseTo(start + 50, 0)
    expect(clock.next(start + 60, 200)).toBeLessThanOrEqual(start + 70)
  })

  it('follows arrival at 20 times real time', () => {
    const clock = createSampleClock(1000 / 60)
    const seen: number[] = []
    for (let at = 0; at < 10_000; at += 100) for (let k = 0; k < 120; k++) seen.push(clock.next(start + at))
    expect(Math.abs(seen.at(-1)! - (start + 9900))).toBeLessThan(20)
  })

  it('never falls and stays near arrival, for any arrivals', () => {
    const arrivals = fc.array(fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 12 })), { maxLength: 60 })
    fc.assert(
      fc.property(arrivals, fc.constantFrom(1, 2, 2.7777, 4, 1000 / 60, 100), (bursts, intervalMs) => {
        const clock = createSampleClock(intervalMs)
        let at = start
        let last = 0
        for (const [wait, frames] of bursts) {
          at += wait + frames
          for (let k = 0; k < frames; k++) {
            const time = clock.next(at)
            expect(time).toBeGreaterThanOrEqual(last)
            expect(time).toBeLessThanOrEqual(at + intervalMs)
            last = time
          }
        }
      }),
      { seed },
    )
  })
})
