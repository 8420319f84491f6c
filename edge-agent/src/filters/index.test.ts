import { describe, expect, it } from 'vitest'
import { createFilter, filtersSchema, withSilence } from './index.ts'

const channel = { name: 'x', kind: 'number', datatype: 'Int32', unit: 'V', scale: 0.01 } as const

describe('a filter', () => {
  it('takes its thresholds in the unit of the channel', () => {
    const { x } = filtersSchema.parse({ x: { kind: 'absolute', band: 1 } })
    const filter = createFilter(x!, channel)
    expect([100, 150, 199, 201, 101, 100].map((v, t) => filter.step(t, v))).toEqual([
      'keep',
      'drop',
      'drop',
      'keep',
      'drop',
      'keep',
    ])
  })

  it('keeps a freshly measured value when the heartbeat is due', () => {
    const { x } = filtersSchema.parse({ x: { kind: 'absolute', band: 1, heartbeatMs: 1000 } })
    const filter = createFilter(x!, channel)
    const verdicts = [0, 400, 999, 1000, 1999, 2000].map((t) => filter.step(t, 5))
    expect(verdicts).toEqual(['keep', 'drop', 'drop', 'keep', 'drop', 'keep'])
  })

  it('keeps the waiting reading too when the heartbeat comes with a corner', () => {
    const { x } = filtersSchema.parse({ x: { kind: 'swinging-door', deviation: 0.1, heartbeatMs: 30 } })
    const filter = createFilter(x!, channel)
    const verdicts = [0, 100, 200, 0, 0].map((v, k) => filter.step(k * 10, v))
    expect(verdicts).toEqual(['keep', 'wait', 'wait', 'keep-both', 'wait'])
  })

  it('starts again when the clock went back', () => {
    const { x } = filtersSchema.parse({ x: { kind: 'rate', perSecond: 1 } })
    const filter = createFilter(x!, channel)
    expect([5000, 6000, 1000].map((t) => filter.step(t, 5))).toEqual(['keep', 'drop', 'keep'])
  })

  it('with a key that its kind does not know, or without one that it needs, is refused', () => {
    expect(filtersSchema.safeParse({ x: { kind: 'absolute', bnad: 1 } }).success).toBe(false)
    expect(filtersSchema.safeParse({ x: { kind: 'median' } }).success).toBe(false)
    expect(filtersSchema.parse({})).toEqual({})
  })

  it('makes its channel declare the longest silence to expect', () => {
    const filters = filtersSchema.parse({ x: { kind: 'absolute', band: 1 }, y: { kind: 'absolute', band: 1, heartbeatMs: 0 } })
    const channels = ['x', 'y', 'constructor'].map((name) => ({ ...channel, name }))
    expect(withSilence(channels, filters).map(({ silentMsMax }) => silentMsMax)).toEqual([60_000, undefined, undefined])
  })
})
