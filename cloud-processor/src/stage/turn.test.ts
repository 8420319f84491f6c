import { systemClock } from '@millrace/contract/service'
import { expect, test } from 'vitest'
import { createTurns } from './turn.ts'

test('long work lets timers through, and short work costs no turn', async () => {
  const turnOver = createTurns(systemClock)
  expect(turnOver()).toBeUndefined()
  let fired = 0
  const timer = setInterval(() => fired++, 10)
  let turns = 0
  for (const endMs = performance.now() + 400; performance.now() < endMs; ) {
    const pause = turnOver()
    if (pause) turns++
    await pause
  }
  clearInterval(timer)
  expect(turns).toBeGreaterThan(2)
  expect(fired).toBeGreaterThanOrEqual(turns - 1)
})
