import { systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { createTurns, nextTurn } from './turn.ts'

/** @returns how often a timer came through, and how often the work paused for it. */
async function work(forMs: number) {
  const turnOver = createTurns(systemClock)
  let fired = 0
  let turns = 0
  const timer = setInterval(() => fired++, 10)
  for (const endMs = performance.now() + forMs; performance.now() < endMs; ) {
    const pause = turnOver()
    if (pause) turns++
    await pause
  }
  clearInterval(timer)
  return { fired, turns }
}

test('long work that awaits nothing but microtasks lets timers through', async () => {
  const { fired, turns } = await work(400)
  expect(turns).toBeGreaterThan(2)
  expect(fired).toBeGreaterThan(2)
})

test('work that is done in turns of its own pauses for nothing', async () => {
  const turnOver = createTurns(systemClock)
  for (const endMs = performance.now() + 200; performance.now() < endMs; await nextTurn(systemClock))
    expect(turnOver()).toBeUndefined()
})
