import { describe, expect, it } from 'vitest'
import { createMetrics } from './metrics.ts'

describe('metrics', () => {
  it('count by label set, and are exposed as Prometheus reads them', () => {
    const metrics = createMetrics()
    const received = metrics.counter('received_total', 'Messages received')
    received.add()
    received.add({ reason: 'a "b"' }, 2)
    received.add({ reason: 'a "b"' })
    let depth = 5
    metrics.gauge('depth', 'Rows waiting', () => depth)
    depth = 7
    expect(received.value({ reason: 'a "b"' })).toBe(3)
    expect(received.value({ reason: 'none' })).toBe(0)
    expect(metrics.values()).toEqual({ received_total: 1, 'received_total{reason="a \\"b\\""}': 3, depth: 7 })
    expect(metrics.expose()).toBe(
      [
        '# HELP received_total Messages received',
        '# TYPE received_total counter',
        'received_total 1',
        'received_total{reason="a \\"b\\""} 3',
        '# HELP depth Rows waiting',
        '# TYPE depth gauge',
        'depth 7',
        '',
      ].join('\n'),
    )
  })

  it('give the same counter for the same name', () => {
    const metrics = createMetrics()
    metrics.counter('a', 'A').add()
    metrics.counter('a', 'A').add()
    expect(metrics.values()).toEqual({ a: 2 })
  })

  it('count under `other` past the bound of label sets, and lose nothing', () => {
    const metrics = createMetrics()
    const counter = metrics.counter('a', 'A')
    for (let id = 0; id < 1000; id++) counter.add({ id: `${id}` })
    const values = metrics.values()
    expect(Object.keys(values).length).toBeLessThanOrEqual(201)
    expect(values['a{other="true"}']).toBe(800)
    expect(Object.values(values).reduce((sum, value) => sum + value, 0)).toBe(1000)
  })

  it('read a gauge of several values at each look, and bound its label sets without losing any', () => {
    const metrics = createMetrics()
    let lags: { labels: Record<string, string>; value: number }[] = [{ labels: { stage: 'rules' }, value: 7 }]
    metrics.gauge('lag', 'Lag', () => lags)
    expect(metrics.expose()).toContain('\nlag{stage="rules"} 7\n')
    lags = Array.from({ length: 300 }, (_, id) => ({ labels: { id: `${id}` }, value: 1 }))
    expect(Object.keys(metrics.values())).toHaveLength(201)
    expect(metrics.values()['lag{other="true"}']).toBe(100)
  })

  it('escape label values as the text format does, and no other way', () => {
    const metrics = createMetrics()
    metrics.counter('a', 'A').add({ topic: 'back\\slash "quote"\ntab\there' })
    expect(metrics.expose()).toContain('a{topic="back\\\\slash \\"quote\\"\\ntab\there"} 1')
  })
})
