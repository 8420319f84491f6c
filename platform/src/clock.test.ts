import { describe, expect, it } from 'vitest'
import { type Clock, every, systemClock } from './clock.ts'

/** Timers that fire when they are told to. */
function manualClock() {
  let time = 0
  let timers: { at: number; call: () => void }[] = []
  const clock: Clock = {
    now: () => time,
    monotonic: () => time,
    after(ms, call) {
      const timer = { at: time + ms, call }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
  }
  const advance = (to: number) => {
    for (;;) {
      const due = timers.filter(({ at }) => at <= to).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      timers = timers.filter((other) => other !== due)
      time = due.at
      due.call()
    }
    time = to
  }
  return { clock, advance, waiting: () => timers.length }
}

describe('every', () => {
  it('calls once a period until it is cancelled', () => {
    const { clock, advance, waiting } = manualClock()
    const calls: number[] = []
    const cancel = every(clock, 100, () => calls.push(clock.now()))
    advance(350)
    expect(calls).toEqual([100, 200, 300])
    cancel()
    advance(1000)
    expect(calls).toHaveLength(3)
    expect(waiting()).toBe(0)
  })

  it('may be cancelled from inside its call', () => {
    const { clock, advance, waiting } = manualClock()
    let calls = 0
    const cancel = every(clock, 10, () => {
      calls++
      cancel()
    })
    advance(100)
    expect([calls, waiting()]).toEqual([1, 0])
  })
})

describe('the system clock', () => {
  it('goes on, and forgets a timer that was cancelled', async () => {
    const started = systemClock.monotonic()
    let cancelled = false
    systemClock.after(5, () => {
      cancelled = true
    })()
    await new Promise<void>((resolve) => systemClock.after(20, resolve))
    expect(cancelled).toBe(false)
    expect(systemClock.monotonic() - started).toBeGreaterThan(10)
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000)
  })
})
