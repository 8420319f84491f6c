import { expect, test } from 'vitest'
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
