import { nodeMetrics } from '@millrace/contract'
import { encodePayload } from '@millrace/contract/sparkplug'
import { beforeEach, expect, test } from 'vitest'
import { createAgentFeed } from '../testing/agent.ts'
import { now } from '../testing/feed.ts'

let feed: ReturnType<typeof createAgentFeed>

beforeEach(() => {
  feed = createAgentFeed()
})

test('reads a foreign node: birth values are readings, and its ledger starts here', () => {
  const metrics = [{ name: 'temp', alias: 7, timestamp: now, datatype: 'Double' as const, value: 36.5 }]
  const { timeline } = feed.message('spBv1.0/g/DBIRTH/f/d', encodePayload({ timestamp: now, seq: 1, metrics }))
  expect(timeline.map(({ k }) => k)).toEqual(['declaration', 'birth', 'readings'])
  const data = encodePayload({
    timestamp: now,
    seq: 2,
    metrics: [{ alias: 7, timestamp: now + 1, datatype: 'Double', value: 36.6 }],
  })
  expect(feed.message('spBv1.0/g/DDATA/f/d', data).timeline).toMatchObject([{ k: 'readings', channels: { temp: { v: [36.6] } } }])
  expect(feed.tick(now).timeline).toMatchObject([
    { k: 'tick' },
    { k: 'event', code: 'NODE_REBIRTH_WANTED', device: 'g/f' },
    { k: 'cut', stream: 'bridge', devices: { d: { forwarded: [2, 0] } } },
  ])
})

test('turns the absence that a foreign node tells into an open gap', () => {
  const value = JSON.stringify([{ channel: '*', t: now, reason: 'searching' }])
  const metrics = [{ name: nodeMetrics.absence, timestamp: now, datatype: 'String' as const, value }]
  const { timeline } = feed.message('spBv1.0/g/DDATA/f/d', encodePayload({ timestamp: now, seq: 2, metrics }))
  expect(timeline).toEqual([{ f: 1, k: 'gap', subject: 'd', device: 'd', reason: 'searching', fromMs: now }])
})

test('tells a thousand bad readings of one message in one record, not in a thousand copies of the message', () => {
  const metrics = Array.from({ length: 1000 }, (_, k) => ({
    alias: 100 + k,
    timestamp: now,
    datatype: 'Double' as const,
    value: 1,
  }))
  const { rejected } = feed.message('spBv1.0/g/DDATA/f/d', encodePayload({ timestamp: now, seq: 1, metrics }))
  expect(rejected).toMatchObject([{ reason: 'PREPARE_READING', lost: [1000, 0] }])
  expect(rejected[0]!.detail).toContain('and 997 more')
})
