import { expect, it } from 'vitest'
import type { Clock } from './clock.ts'
import { heldUpMessage, measureEventLoop } from './event-loop.ts'
import { createMetrics } from './metrics.ts'

/** A clock whose timer comes as late as it is told to. */
function lateClock() {
  let nowMs = 0
  let due: { atMs: number; call: () => void } | undefined
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    after(ms, call) {
      due = { atMs: nowMs + ms, call }
      return () => {
        due = undefined
      }
    },
  }
  const pass = (lateMs: number) => {
    if (!due) return
    const { atMs, call } = due
    nowMs = atMs + lateMs
    call()
  }
  return { clock, pass, isWaiting: () => due !== undefined }
}

function measured() {
  const metrics = createMetrics()
  const said: unknown[] = []
  const lines = { info() {}, error() {}, warn: (message: string, fields?: object) => void said.push([message, fields]) }
  const { clock, pass, isWaiting } = lateClock()
  const stop = measureEventLoop(metrics, lines, clock)
  return { metrics, said, pass, isWaiting, stop }
}

it('an event loop that is held up is counted, said with its time, and forgotten after a minute', () => {
  const { metrics, said, pass } = measured()
  for (let k = 0; k < 150; k++) pass(k < 2 ? 30 : 1)
  pass(700)
  expect(metrics.values()).toEqual({
    process_event_loop_stalls_total: 1,
    'process_event_loop_delay_ms{quantile="0.99"}': 30,
    'process_event_loop_delay_ms{quantile="1"}': 700,
  })
  expect(said).toEqual([[heldUpMessage, { ms: 700, times: 1 }]])
  for (let k = 0; k < 3000; k++) pass(0)
  expect(metrics.values()).toMatchObject({
    process_event_loop_stalls_total: 1,
    'process_event_loop_delay_ms{quantile="1"}': 0,
  })
})

it('one that is held up again and again says so now and then, with the longest', () => {
  const { said, pass } = measured()
  for (const ms of [600, 900, 700]) pass(ms)
  expect(said).toHaveLength(1)
  for (let k = 0; k < 600; k++) pass(0)
  expect(said.slice(1)).toEqual([[heldUpMessage, { ms: 900, times: 2 }]])
})

it('ends when it is told to', () => {
  const { isWaiting, stop } = measured()
  stop()
  expect(isWaiting()).toBe(false)
})
