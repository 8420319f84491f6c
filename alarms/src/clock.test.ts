import type { TimelineRecord } from '@millrace/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeEngine, encodeEngine } from './engine.ts'
import { activeAlarms } from './list.ts'
import { step } from './step.ts'
import { brief, control, death, declaration, engineOf, gap, readings, run, spo2Low, tick } from './testing/records.ts'

const yearMs = 365 * 86_400_000
const noSignal = { name: 'no-signal', channel: 'spo2', condition: 'absent', afterMs: 10_000 }
const ticks = (fromMs: number, toMs: number) =>
  Array.from({ length: (toMs - fromMs) / 1000 + 1 }, (_, i) => tick(fromMs + i * 1000))
const event = (code: string, atMs: number, device = 'millrace', text = code): TimelineRecord => ({
  f: 1,
  k: 'event',
  subject: device,
  device,
  atMs,
  level: 'error',
  code,
  text,
})

describe('a clock that was set back', () => {
  test('an alarm is live after the clock was a year ahead for ten ticks, restarts included', () => {
    const state = engineOf([spo2Low])
    run(state, [tick(100_000), readings([100_000], [95]), ...ticks(100_000 + yearMs, 110_000 + yearMs)])
    const restarted = decodeEngine(encodeEngine(state))
    const out = run(restarted, [tick(200_000), readings([200_000], [80])])
    expect(out.filter(({ rule }) => rule === 'spo2-low')).toMatchObject([{ retrospective: false, atMs: 200_000 }])
  })

  test('what came stamped by the wrong time keeps nothing from being live', () => {
    const state = engineOf([spo2Low])
    const wrongMs = 100_000 + yearMs
    run(state, [
      tick(wrongMs),
      readings([wrongMs], [95]),
      readings([wrongMs - 60_000], [95]),
      gap(wrongMs + 1000),
      death(wrongMs),
    ])
    const out = run(state, [tick(200_000), readings([201_000], [80]), tick(201_000), readings([140_000], [80])])
    expect(brief(out)).toEqual(['raised spo2-low/bed-1/spo2/201000 @201000', 'raised spo2-low/bed-1/spo2/140000/r @140000'])
  })

  test('a delay that runs and silence count from the new time, new rules too', () => {
    const state = engineOf([])
    const wrongMs = 100_000 + yearMs
    const rules = { rules: [{ ...spo2Low, delayOnMs: 5000 }, noSignal] }
    run(state, [tick(wrongMs), declaration([{}]), control({ by: 'test', type: 'rules', rules }, wrongMs)])
    run(state, [readings([wrongMs], [80])])
    const out = run(state, [tick(200_000), readings([200_000, 205_000], [80, 80]), ...ticks(201_000, 220_000)])
    expect(brief(out)).toEqual(['raised spo2-low/bed-1/spo2/205000 @205000', 'raised no-signal/bed-1/spo2/215000 @215000'])
  })

  test('what was stamped before and comes after does not count, for a minute', () => {
    const state = engineOf([spo2Low])
    const wrongMs = 100_000 + yearMs
    run(state, [tick(wrongMs), tick(200_000), readings([wrongMs], [80])])
    expect(brief(run(state, [readings([201_000], [80])]))).toEqual(['raised spo2-low/bed-1/spo2/201000 @201000'])
    expect(state.counts.ahead).toBe(1)
  })

  test('a smaller step back does not move time, since two bridges may differ', () => {
    const state = engineOf([])
    run(state, [tick(100_000), tick(96_000)])
    expect(state.clocks[0]!.tickMs).toBe(100_000)
  })
})

test('a clock that was set ahead is not an ingest gap, and holds decisions as one does', () => {
  const state = engineOf([noSignal])
  run(state, [tick(100_000), readings([100_000], [95])])
  expect(run(state, [{ f: 1, k: 'tick', atMs: 10_901_000, setMs: 10_800_000 }, ...ticks(10_902_000, 10_915_000)])).toEqual([])
  expect(brief(run(state, [readings([10_915_000], [95]), tick(10_916_000)]))).toEqual([])
})

describe('what events say of clocks', () => {
  test('is one alarm of the processor’s, from the first partition that says so to the last', () => {
    const state = engineOf([])
    const one = (code: string, atMs: number, partition: number) => brief(step(state, event(code, atMs), partition))
    expect(one('CLOCK_JUMPED', 1000, 0)).toEqual(['raised clock-jump/millrace/processor/1000 @1000'])
    expect(one('CLOCK_JUMPED', 1001, 1)).toEqual([])
    expect(activeAlarms(state)).toMatchObject([{ technical: true, text: 'CLOCK_JUMPED' }])
    expect(one('CLOCK_STEADY', 40_000, 0)).toEqual([])
    expect(one('CLOCK_STEADY', 40_001, 1)).toEqual(['cleared clock-jump/millrace/processor/1000 @40001'])
  })

  test('is an alarm for each gateway, which can be acknowledged', () => {
    const state = engineOf([])
    run(state, [event('GATEWAY_CLOCK_OFF', 1000, 'ward/a'), event('GATEWAY_CLOCK_OFF', 2000, 'ward/b')])
    const order = { by: 'anna', type: 'acknowledge', alarm: 'gateway-clock/millrace/ward/a/1000' } as const
    expect(brief(run(state, [control(order, 3000)]))).toEqual(['acknowledged gateway-clock/millrace/ward/a/1000 @3000'])
    expect(brief(run(state, [event('GATEWAY_CLOCK_RIGHT', 4000, 'ward/a')]))).toEqual([
      'cleared gateway-clock/millrace/ward/a/1000 @4000',
    ])
    expect(activeAlarms(state).map(({ channel }) => channel)).toEqual(['ward/b'])
  })
})

test('whatever the clock did, an alarm due a quarter of a minute after it is right is live and on time', () => {
  const wrong = fc.record({
    offMs: fc.integer({ min: -yearMs, max: yearMs }),
    seconds: fc.integer({ min: 1, max: 40 }),
    isStamped: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(wrong, { minLength: 1, maxLength: 6 }), (spans) => {
      let state = engineOf([spo2Low, noSignal])
      let nowMs = 2 * yearMs
      const second = (offMs: number, stampMs: number, value: number) => {
        nowMs += 1000
        return run(state, [tick(nowMs + offMs), readings([nowMs + stampMs], [value], { receivedMs: nowMs + offMs })])
      }
      for (const { offMs, seconds, isStamped } of spans) {
        for (let k = 0; k < seconds; k++) second(offMs, isStamped ? offMs : 0, 95)
        state = decodeEngine(encodeEngine(state))
      }
      for (let k = 0; k < 16; k++) second(0, 0, 95)
      expect(second(0, 0, 80)).toMatchObject([{ rule: 'spo2-low', retrospective: false, atMs: nowMs }])
      const silentMs = nowMs
      const silent = ticks(nowMs + 1000, nowMs + 11_000)
      expect(run(state, silent)).toMatchObject([{ rule: 'no-signal', atMs: silentMs + 10_000 }])
    }),
  )
})
