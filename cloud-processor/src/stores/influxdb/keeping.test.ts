import { expect, test } from 'vitest'
import type { Snapshot } from '../../log/log.ts'
import type { Kept } from '../../stage/index.ts'
import { emptyState, encodeDecisions, encodeState, noDecisions } from '../accounting/index.ts'
import { createKeeping } from './keeping.ts'

const durableAfterMs = 15_000

function world() {
  let nowMs = 1_000_000
  let run = 'first'
  let snapshot: Snapshot | undefined
  const kept: Kept = {
    load: async () => snapshot,
    async save(next) {
      // A reader of the log takes the snapshot with the highest position: one with a lower is not found again.
      expect(next.next).toBeGreaterThanOrEqual(snapshot?.next ?? 0)
      snapshot = next
    },
  }
  const clock = { now: () => nowMs, monotonic: () => nowMs, after: () => () => {} }
  /** One owner writes for `sessionMs`, a record each 100 ms, and is gone without a word. */
  async function session(sessionMs: number, writeMs = 100): Promise<void> {
    const keeping = await createKeeping(kept, { saveEveryMs: 1000, durableAfterMs, clock, run: async () => run })
    for (let ms = 0; ms < sessionMs; ms += writeMs) {
      await keeping.begin()
      nowMs += writeMs
      keeping.state.next++
      await keeping.end(false)
    }
  }
  return {
    session,
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

test('does not take over what a restarted engine may have lost', async () => {
  const { session, position, restartEngine } = world()
  for (let turn = 0; turn < 20; turn++) {
    await session(10_000)
    restartEngine()
  }
  expect(position()).toBe(0)
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
