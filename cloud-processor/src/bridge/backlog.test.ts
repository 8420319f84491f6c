import type { Clock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { createBacklog } from './backlog.ts'

const options = { lagMsMax: 250, creditBytes: 2 << 20, backlogBytesPerSecondMin: 256 << 10 }
const batchBytes = 700
const stepMs = 5

/** Agents that send what their credit allows; every 5 ms a few of them get a receipt, as with live data. */
function drain(waiting: Map<string, number>, lagMs: number, liveBytesPerStep = 0): number {
  let nowMs = 0
  const clock: Clock = { now: () => nowMs, monotonic: () => nowMs, after: () => () => {} }
  const backlog = createBacklog(options, () => lagMs, clock)
  // As in `receipts.ts`: the node that has waited longest is asked first.
  const queue = new Set(waiting.keys())
  while ([...waiting.values()].some((bytes) => bytes > 0)) {
    if (nowMs > 3_600_000) return Number.POSITIVE_INFINITY
    nowMs += stepMs
    backlog.tookLive(liveBytesPerStep)
    for (const node of [...queue]) {
      let room = backlog.credit(node)
      if (room === 0) continue
      queue.delete(node)
      queue.add(node)
      for (; room > 0; room -= batchBytes) {
        const left = waiting.get(node)!
        if (left <= 0 || !backlog.takes(node, batchBytes)) break
        waiting.set(node, left - batchBytes)
      }
    }
  }
  return nowMs
}

test('takes a backlog within its size divided by the guaranteed minimum, however long live data lags', () => {
  const size = 4 << 20
  const tookMs = drain(
    new Map([
      ['a', size / 2],
      ['b', size / 2],
    ]),
    1e6,
  )
  expect(tookMs).toBeLessThan((size / options.backlogBytesPerSecondMin) * 1000 * 1.05)
  // And live data goes first: it is not taken much faster either.
  expect(tookMs).toBeGreaterThan((size / options.backlogBytesPerSecondMin) * 1000 * 0.9)
})

test('takes it as fast as it comes while live data is up to date', () => {
  expect(drain(new Map([['a', 64 << 20]]), 100)).toBeLessThan(1000)
})

test('gives the backlog a quarter of what live data takes, where that is more', () => {
  const size = 8 << 20
  const livePerSecond = 8 << 20
  const tookMs = drain(new Map([['a', size]]), 1e6, (livePerSecond * stepMs) / 1000)
  expect(tookMs).toBeLessThan((size / (livePerSecond / 4 + options.backlogBytesPerSecondMin)) * 1000 * 1.1)
})

test('nodes without a backlog delay those with one by no more than their turns', () => {
  const fleet = new Map(Array.from({ length: 200 }, (_, k) => [`node-${k}`, k % 50 === 0 ? 256 << 10 : 0]))
  const boundMs = ((4 * (256 << 10)) / options.backlogBytesPerSecondMin) * 1000
  expect(drain(fleet, 1e6)).toBeLessThan(boundMs + (200 / 8) * 300 * 1.1)
})
