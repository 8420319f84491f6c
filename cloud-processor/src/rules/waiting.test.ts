import { expect, test } from 'vitest'
import { createWaiting, type Entry } from './waiting.ts'

const entry = (seq: number, more: Partial<Entry> = {}): Entry => ({
  ...{ seq, alarm: `a${seq}`, isEnd: false, urgency: 1, attempts: 0, isRetry: false, atMs: 0, dueMs: 0 },
  ...more,
})
const order = (waiting: ReturnType<typeof createWaiting>, nowMs: number, mayRetry = true) => {
  const all: number[] = []
  for (let next = waiting.next(nowMs, mayRetry); next; next = waiting.next(nowMs, mayRetry)) all.push(next.seq)
  return all
}

test('the urgent are the first, also after a failure; then what has been due longest', () => {
  const waiting = createWaiting()
  waiting.add(entry(1, { urgency: 2 }))
  waiting.add(entry(2, { dueMs: 20 }))
  waiting.add(entry(3, { dueMs: 10 }))
  waiting.add(entry(4, { urgency: 0, isRetry: true, dueMs: 30 }))
  waiting.add(entry(5, { isRetry: true, dueMs: 15 }))
  waiting.add(entry(6, { urgency: 0, isRetry: true, dueMs: 99 }))
  expect(order(waiting, 50)).toEqual([4, 3, 5, 2, 1])
  expect(waiting.pausedUntilMs()).toBe(99)
})

test('a device that raises alarms without end waits behind the others', () => {
  const waiting = createWaiting()
  for (let seq = 1; seq <= 1000; seq++) waiting.add(entry(seq, { device: 'flood', dueMs: seq }))
  expect([1, 2, 3].map(() => waiting.next(2000, true)!.seq)).toEqual([1, 2, 3])
  waiting.add(entry(1001, { device: 'healthy', dueMs: 1001 }))
  waiting.add(entry(1002, { device: 'other', dueMs: 1002 }))
  expect(order(waiting, 2000).slice(0, 4)).toEqual([1001, 1002, 4, 5])
})

test('without a place for what failed, what did not fail goes on', () => {
  const waiting = createWaiting()
  waiting.add(entry(1, { urgency: 0, isRetry: true }))
  waiting.add(entry(2, { urgency: 2 }))
  expect(order(waiting, 1, false)).toEqual([2])
  expect(order(waiting, 1)).toEqual([1])
})

test('what failed while the receiver was down comes in its old order when it answers again', () => {
  const waiting = createWaiting()
  waiting.add(entry(1, { urgency: 2 }))
  waiting.add(entry(2, { urgency: 0, isRetry: true, dueMs: 30_000 }))
  waiting.retryAll(5)
  expect(order(waiting, 5, false)).toEqual([2, 1])
})

test('what is held comes back when it is released, and only then', () => {
  const waiting = createWaiting()
  waiting.hold(entry(1))
  waiting.holdEnd(entry(2, { isEnd: true, alarm: 'x' }))
  expect(order(waiting, 1)).toEqual([])
  waiting.releaseEnd('y')
  waiting.releaseEnd('x')
  expect(order(waiting, 1)).toEqual([2])
  waiting.releaseHeld()
  expect(order(waiting, 1)).toEqual([1])
})

test('ten thousand come out in order', () => {
  const waiting = createWaiting()
  const all = Array.from({ length: 10_000 }, (_, seq) => entry(seq, { urgency: (seq * 7) % 3, dueMs: (seq * 7919) % 997 }))
  for (const one of all) waiting.add(one)
  const wanted = all.toSorted((a, b) => a.urgency - b.urgency || a.dueMs - b.dueMs || a.seq - b.seq).map(({ seq }) => seq)
  expect(order(waiting, 0)).toEqual(wanted)
})
