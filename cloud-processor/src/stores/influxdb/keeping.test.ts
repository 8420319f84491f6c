import { expect, test } from 'vitest'
import type { Snapshot } from '../../log/log.ts'
import type { Kept } from '../../stage/index.ts'
import { emptyState, encodeDecisions, encodeState, noDecisions } from '../accounting/index.ts'
import { createKeeping } from './keeping.ts'

const durableAfterMs = 15_000

function world(saveEveryMs = 1000, visibleAfterMs = 0) {
  let nowMs = 1_000_000
  let run = 'first'
  let snapshot: Snapshot | undefined
  /** Of each record, and of each session. */
  const writtenMs: number[] = []
  const isShown: boolean[] = []
  const kept: Kept = {
    load: async () => snapshot,
    async save(next) {
      // A reader of the log takes the snapshot with the highest position: one with a lower is not found again.
      expect(next.next).toBeGreaterThanOrEqual(snapshot?.next ?? 0)
      snapshot = next
    },
  }
  const clock = { now: () => nowMs, monotonic: () => nowMs, after: () => () => {} }
  /** One owner writes for `sessionMs`, a record each 100 ms, and is gone without a word. Returns from where it went on. */
  async function session(sessionMs: number, writeMs = 100): Promise<number> {
    const keeping = await createKeeping(kept, { saveEveryMs, durableAfterMs, visibleAfterMs, clock, run: async () => run })
    if (keeping.isShown) expect(nowMs - (writtenMs[keeping.state.next - 1] ?? 0)).toBeGreaterThanOrEqual(visibleAfterMs)
    isShown.push(keeping.isShown)
    const from = keeping.state.next
    for (let ms = 0; ms < sessionMs; ms += writeMs) {
      await keeping.begin()
      nowMs += writeMs
      writtenMs[keeping.state.next++] ??= nowMs
      await keeping.end(false)
    }
    return from
  }
  return {
    session,
    isShown,
    position: () => snapshot?.next ?? 0,
    put(next: Snapshot) {
      snapshot = next
    },
    restartEngine() {
      run += '+'
    },
  }
}

test('gets further though no session lasts as long as the engine needs to make a write durable', async () => {
  const { session, position } = world()
  for (let turn = 0; turn < 40; turn++) await session(5000)
  // 200 s in sessions of 5 s: what is kept is at most two waits and a session behind what was written last.
  expect(position()).toBeGreaterThan(0)
  const before = position()
  for (let turn = 0; turn < 40; turn++) await session(5000)
  expect(position()).toBeGreaterThan(before)
})

test('never goes back behind what a former owner had written, though it is read again from further back', async () => {
  const { session, position } = world()
  await session(5000)
  expect(position()).toBe(0)
  // Slowly: when the former owner's state becomes the position, this one is still behind it.
  await session(60_000, 3000)
  expect(position()).toBeGreaterThan(0)
})

test('gets further though no session lasts as long as states are to be kept apart', async () => {
  const { session, position } = world(5000)
  for (let turn = 0; turn < 40; turn++) await session(900)
  // 36 s: what was written in the first 20 of them is kept for good.
  expect(position()).toBeGreaterThan(100)
})

test('while the engine runs on the next owner writes little again, and all above the position when it was restarted', async () => {
  const { session, position, restartEngine } = world(5000)
  await session(20_000)
  const before = position()
  expect(await session(5000)).toBeGreaterThan(110)
  expect(await session(100)).toBeGreaterThan(185)
  restartEngine()
  // What was written before the last wait began has become the position in between.
  const again = await session(100)
  expect(again).toBe(position())
  expect(again).toBeLessThan(185)
  expect(again).toBeGreaterThanOrEqual(before)
})

test('goes on from a state that answers show, however short the sessions are, and says when none is', async () => {
  const visibleAfterMs = 1500
  const { session, isShown, position } = world(5000, visibleAfterMs)
  await session(900)
  await session(900)
  expect(isShown).toEqual([false, false])
  await session(2000)
  expect(await session(2000)).toBeGreaterThan(0)
  expect(isShown.at(-1)).toBe(true)
  for (let turn = 0; turn < 200; turn++) await session(100 + ((turn * 7919) % 4000), 100 + ((turn * 104_729) % 500))
  // Most begin without a wait.
  expect(isShown.slice(-100).filter((one) => !one).length).toBeLessThan(30)
  const before = position()
  for (let turn = 0; turn < 40; turn++) await session(900)
  expect(position()).toBeGreaterThan(before)
})

test('does not take over what a restarted engine may have lost', async () => {
  const { session, position, restartEngine } = world()
  for (let turn = 0; turn < 20; turn++) {
    await session(10_000)
    restartEngine()
  }
  expect(position()).toBe(0)
})

test('reads a snapshot of format 2: one pending state', async () => {
  const { session, put } = world()
  const [base, later] = [700, 900].map((next) => encodeState({ ...emptyState(), next })) as [Uint8Array, Uint8Array]
  const pending = { next: 900, atMs: 999_000, run: 'first', stateBytes: later.length }
  const head = Buffer.from(JSON.stringify({ decisions: encodeDecisions(noDecisions()), stateBytes: base.length, pending }))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(head.length)
  put({ next: 700, state: Buffer.concat([length, head, base, later]) })
  expect(await session(100)).toBe(900)
})

test('reads a snapshot of format 1: decisions, then the state', async () => {
  const { session, position, put } = world()
  const state = emptyState()
  state.next = 700
  const decisions = Buffer.from(encodeDecisions(noDecisions()))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(decisions.length)
  put({ next: 700, state: Buffer.concat([length, decisions, encodeState(state)]) })
  await session(20_000)
  expect(position()).toBeGreaterThan(700)
})
