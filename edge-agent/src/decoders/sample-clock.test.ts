import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSampleClock, wholeMsMax } from './sample-clock.ts'

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

  it('starts anew after a reset, a long silence, and a wall clock set back', () => {
    const clock = createSampleClock(10)
    clock.next(start)
    expect(clock.next(start + 5000)).toBe(start + 5000)
    clock.reset()
    expect(clock.next(start + 5500)).toBe(start + 5500)
    clock.whole()
    expect(clock.next(start - 60_000)).toBe(start - 60_000)
    expect(clock.whole()).toBe(start - 60_000)
    clock.reset()
    clock.next(start - 120_000)
    expect(clock.whole()).toBe(start - 120_000)
  })

  it('leaves room for samples that were lost, but not in the future', () => {
    const clock = createSampleClock(10)
    clock.next(start)
    expect(clock.next(start + 50, 4)).toBeCloseTo(start + 50, 0)
    expect(clock.next(start + 60, 200)).toBeLessThanOrEqual(start + 70)
  })

  it('follows arrival at 20 times real time and repeats no time', () => {
    const clock = createSampleClock(1000 / 60)
    const seen: number[] = []
    for (let at = 0; at < 10_000; at += 100) for (let k = 0; k < 120; k++) seen.push(clock.next(start + at))
    for (let k = 1; k < seen.length; k++) expect(seen[k]).toBeGreaterThan(seen[k - 1]!)
    expect(Math.abs(seen.at(-1)! - (start + 9900))).toBeLessThan(120)
  })

  it('repeats a whole millisecond only when they have run out', () => {
    const clock = createSampleClock(10)
    const whole = Array.from({ length: 1400 }, () => {
      clock.next(start)
      return clock.whole()
    })
    expect(new Set(whole).size).toBeGreaterThan(900)
    expect(Math.max(...whole)).toBe(start + 1000)
  })

  it('rises strictly and stays near arrival, for any arrivals', () => {
    const arrivals = fc.array(fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 12 })), { maxLength: 60 })
    fc.assert(
      fc.property(arrivals, fc.constantFrom(1, 2, 2.7777, 4, 1000 / 60, 100), (bursts, intervalMs) => {
        const clock = createSampleClock(intervalMs)
        let at = start
        let [last, lastWhole] = [0, 0]
        for (const [wait, frames] of bursts) {
          at += wait + frames
          for (let k = 0; k < frames; k++) {
            const time = clock.next(at)
            const whole = clock.whole()
            expect(time).toBeGreaterThan(last)
            expect(whole).toBeGreaterThan(lastWhole)
            expect(time).toBeLessThanOrEqual(at + Math.max(intervalMs * 1.5, wholeMsMax + 1))
            last = time
            lastWhole = whole
          }
        }
      }),
      { seed },
    )
  })

  it('keeps the samples of a burst a millisecond apart: there are stores that tell them apart no finer', () => {
    // What waited in the kernel while the agent was held up for 5 s comes at once, and the next samples in their time.
    const held = createSampleClock(1000 / 60)
    held.next(start)
    const waiting = Array.from({ length: 300 }, (_, k) => held.next(start + 5000 + 3 * Math.min(3, Math.floor(k / 2))))
    const later = Array.from({ length: 60 }, (_, k) => held.next(start + 5010 + ((k + 1) * 1000) / 60))
    expect(new Set([...waiting, ...later].map(Math.round)).size).toBe(360)
    expect(later.at(-1)! - start - 6010).toBeLessThan(20)
    for (const intervalMs of [4, 1000 / 360, 2]) {
      const clock = createSampleClock(intervalMs)
      const times = [...Array.from({ length: 17 }, () => clock.next(start)), clock.next(start + 20), clock.next(start + 20)]
      expect(new Set(times.map(Math.round)).size).toBe(times.length)
    }
  })
})
