import type { Control } from '@millrace/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeEngine, encodeEngine } from './engine.ts'
import { control, engineOf, readings, run, tick } from './testing/records.ts'

const low = { name: 'low', channel: 'spo2', condition: 'below', set: 88, clear: 90 }
const id = 'low/bed-1/spo2/2000'
const reset = (more: object = {}) => ({ type: 'reset', by: 'Anna', alarm: id, ...more }) as Control
const at = (t: number, v: number, q?: number) => readings([t], [v], q === undefined ? {} : { q: [q] })

describe('an alarm that latches', () => {
  const started = (more: object = {}) => {
    const state = engineOf([{ ...low, latch: true, ...more }])
    run(state, [tick(1000), at(2000, 80)])
    return state
  }

  test('stays when the value is back, is not latched beyond the limit, and ends by a reset alone', () => {
    const state = started()
    const changes = run(state, [at(3000, 95), at(4000, 96), at(5000, 80), control(reset(), 5500), at(6000, 95), tick(60_000)])
    expect(changes.map(({ change, active, latched }) => [change, active, latched])).toEqual([
      ['latched', true, true],
      ['unlatched', true, undefined],
      ['latched', true, true],
      ['raised', true, undefined],
    ])
    expect(state.counts.refusedOrders).toBe(1)
    const restarted = decodeEngine(encodeEngine(state))
    const [over] = run(restarted, [control(reset({ reason: 'seen' }), 61_000)])
    expect(over).toMatchObject({ id, change: 'cleared', active: false, clearedMs: 61_000, actor: 'Anna', reason: 'seen' })
    expect(over).not.toHaveProperty('latched')
    expect(run(restarted, [at(62_000, 80)])).toMatchObject([{ change: 'raised' }])
  })

  test('ends with its rule', () => {
    const state = started()
    run(state, [at(3000, 95)])
    expect(run(state, [control({ type: 'rules', by: 'x', rules: { rules: [] } }, 4000)])).toMatchObject([{ change: 'cleared' }])
  })
})

describe('a rule with minQuality good', () => {
  const good = { ...low, minQuality: 'good', delayOnMs: 2000, delayOffMs: 2000 }

  test('neither raises nor clears by uncertain readings, whose delays begin again', () => {
    const state = engineOf([good, { ...low, name: 'any' }])
    const raised = run(state, [
      tick(1000),
      at(2000, 80),
      at(3000, 80, 1),
      at(4000, 80, 1),
      at(5000, 80),
      at(6000, 80),
      at(7000, 80),
    ])
    expect(raised.map(({ rule, atMs }) => `${rule} ${atMs}`)).toEqual(['any 2000', 'low 7000'])
    const cleared = run(state, [at(8000, 95), at(9000, 95, 1), at(10_000, 95, 1), at(11_000, 95), at(13_000, 95)])
    expect(cleared.map(({ rule, atMs }) => `${rule} ${atMs}`)).toEqual(['any 8000', 'low 13000'])
  })

  test('whatever uncertain readings come between, it says what it says of the good ones alone where it has no delay', () => {
    const samples = fc.array(fc.record({ v: fc.constantFrom(80, 89, 95), q: fc.constantFrom(0, 1, 2) }), { maxLength: 40 })
    fc.assert(
      fc.property(samples, (list) => {
        const said = (only: boolean) => {
          const state = engineOf([{ ...low, minQuality: 'good' }])
          const taken = list.map((one, k) => ({ ...one, t: 2000 + k * 100 })).filter(({ q }) => !only || q === 0)
          return run(state, [tick(1000), ...taken.map(({ t, v, q }) => at(t, v, q))]).map(
            ({ change, atMs }) => `${change} ${atMs}`,
          )
        }
        expect(said(false)).toEqual(said(true))
      }),
    )
  })
})
