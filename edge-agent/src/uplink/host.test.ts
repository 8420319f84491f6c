import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Births } from './births.ts'
import { Host } from './host.ts'

const receipt = { host: 'h', log: 'l', credit: 0, receivedMs: 0, sentMs: 0, got: [], births: [] } as unknown as Parameters<
  Host['receipt']
>[0]

test('a host that was said to be offline by a clock ahead is asked, and its receipt counts more', () => {
  const host = new Host(true)
  host.state({ online: false, timestamp: 9000 }, 0)
  expect(host.state({ online: true, timestamp: 5000 }, 1)).toBe(false)
  expect([100, 8000, 9000, 9900, 10_000, 18_000, 19_000].map((ms) => host.isAway(ms))).toEqual([
    ...[true, true, false, false, true, true, false],
  ])
  host.receipt(receipt, undefined, 5000, 0)
  expect(host.isOffline).toBe(true)
  host.receipt(receipt, undefined, 9500, 0)
  expect([host.isOffline, host.isAway(10_500)]).toEqual([false, false])
})

test('a host that sends no receipts is not asked', () => {
  const host = new Host(false)
  host.state({ online: false, timestamp: 1 }, 0)
  expect([9000, 9900, 60_000].map((ms) => host.isAway(ms))).toEqual([true, true, true])
})

test('the offset of the clock is within its uncertainty, whatever the ways there and back take, and after a clock was set', () => {
  const exchange = fc.record({ there: fc.nat(2000), back: fc.nat(2000), pauseMs: fc.nat(300_000) })
  const clock = fc.constantFrom(0, -1.5e12, 3_600_000, -3_600_000, 7_200_000)
  fc.assert(
    fc.property(
      fc.array(fc.tuple(clock, fc.array(exchange, { minLength: 1, maxLength: 20 })), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: -50, max: 50 }),
      (runs, ppm) => {
        const host = new Host(true)
        let nowMs = 0
        // Drift has no rule against being set: the processor is right.
        const wall = (aheadMs: number) => 1.7e12 + nowMs * (1 + ppm * 1e-6) + aheadMs
        for (const [aheadMs, exchanges] of runs) {
          for (const { there, back, pauseMs } of exchanges) {
            nowMs += pauseMs
            const sentMs = nowMs
            nowMs += there
            const receivedMs = 1.7e12 + nowMs
            nowMs += back
            host.receipt({ ...receipt, receivedMs, sentMs: receivedMs }, sentMs, nowMs, wall(aheadMs))
            const trueMs = 1.7e12 + nowMs - wall(aheadMs)
            expect(Math.abs(host.clockOffsetMs! - trueMs)).toBeLessThanOrEqual(host.clockUncertaintyMs(nowMs)! + 1)
          }
        }
      },
    ),
  )
})

test('a receipt that came back before what it is of was sent says nothing of the clock', () => {
  const host = new Host(true)
  // Received 2 s before the sending now, and answered 1.9 s before it arrived: an earlier run had sent it.
  host.receipt({ ...receipt, receivedMs: 8000, sentMs: 9900 }, 10_000, 10_100, 0)
  expect(host.clockOffsetMs).toBeUndefined()
})

test('a birth that is sent again, also on another connection, counts from its first sending', () => {
  const births = new Births(true)
  const declaration = { id: 'a', device: 'bed-1', channels: [] } as unknown as Parameters<Births['born']>[0]
  births.born(declaration, 1000)
  births.newSession()
  births.born(declaration, 9000)
  expect(births.sentSince(['a'])).toBe(1000)
})
