import { type Clock, silentLog } from '@millrace/platform'
import { expect, it } from 'vitest'
import { keepOpen, type Line } from './keep-open.ts'
import { listen } from './testing/listen.ts'

/** A clock whose time passes when told. */
function handClock(): Clock & { pass(ms: number): Promise<void> } {
  let now = 0
  let timers: { at: number; call: () => void }[] = []
  return {
    now: () => 1_790_000_000_000 + now,
    monotonic: () => now,
    after(ms, call) {
      const timer = { at: now + ms, call }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    async pass(ms) {
      const end = now + ms
      for (let due = timers; due.length > 0; ) {
        due = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
        const [first] = due
        if (!first) break
        timers = timers.filter((other) => other !== first)
        now = first.at
        first.call()
        for (let k = 0; k < 5; k++) await null
      }
      now = end
    },
  }
}

it('tries again after 100 ms, then twice as long each time, up to 1 s', async () => {
  const clock = handClock()
  const tries: number[] = []
  const refuse = async () => {
    tries.push(clock.monotonic())
    throw new Error('no')
  }
  const bus = keepOpen(refuse, { silentMs: 0 }, { clock, log: silentLog })
  const heard = listen()
  bus.start(heard)
  await clock.pass(0)
  await clock.pass(10_000)
  expect(tries).toEqual([0, 100, 300, 700, 1500, 2500, 3500, 4500, 5500, 6500, 7500, 8500, 9500])
  expect(heard.events).toEqual(['lost:unplugged'])
  await bus.stop()
})

it('closes a line that opened after it was stopped', async () => {
  const clock = handClock()
  let resolve = (_: Line) => {}
  let closed = 0
  const bus = keepOpen(() => new Promise((call) => (resolve = call)), { silentMs: 0 }, { clock, log: silentLog })
  const heard = listen()
  bus.start(heard)
  await bus.stop()
  resolve({ write() {}, discard: async () => true, close: async () => void closed++ })
  await clock.pass(0)
  await null
  expect([closed, heard.events]).toEqual([1, []])
})

it('opens a line again that cannot discard what a stall left in it', async () => {
  const clock = handClock()
  const line: Line = { write() {}, discard: async () => false, close: async () => {} }
  const bus = keepOpen(async () => line, { silentMs: 0 }, { clock, log: silentLog })
  const heard = listen()
  bus.start(heard)
  for (let k = 0; k < 5; k++) await null
  // The timer that is due fires only after 3 s.
  const { monotonic } = clock
  clock.monotonic = () => monotonic() + 3000
  await clock.pass(1000)
  expect(heard.events).toEqual(['opened', 'lost:stalled', 'opened'])
  await bus.stop()
})

it('gives up a line whose check fails while nothing comes, and does not check one that brings bytes', async () => {
  const clock = handClock()
  let [checks, opened] = [0, 0]
  let bring = (_: Uint8Array): void => {}
  const line: Line = {
    write() {},
    check: async () => {
      if (++checks > 1) throw new Error('EIO')
    },
    discard: async () => true,
    close: async () => {},
  }
  const bus = keepOpen(
    async ({ bytes }) => {
      bring = bytes
      opened++
      return line
    },
    { silentMs: 0 },
    { clock, log: silentLog },
  )
  const heard = listen()
  bus.start(heard)
  await clock.pass(0)
  for (let passedMs = 0; passedMs < 1000; passedMs += 200) {
    bring(Buffer.from('x'))
    await clock.pass(200)
  }
  expect([checks, opened]).toEqual([0, 1])
  await clock.pass(600)
  expect(heard.events).toContain('lost:unplugged')
  await bus.stop()
})
