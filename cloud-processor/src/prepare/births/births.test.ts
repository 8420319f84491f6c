import { encodeDeviceBirth, encodeDeviceDeath, encodeNodeDeath } from '@millrace/contract/sparkplug'
import { beforeEach, expect, test } from 'vitest'
import { batch, columns, createAgentFeed, dataTopic, declaration } from '../testing/agent.ts'
import { now } from '../testing/feed.ts'

let feed: ReturnType<typeof createAgentFeed>

beforeEach(() => {
  feed = createAgentFeed()
})

test('tells the death of a node for each of its devices, but not by an old will', () => {
  feed.born()
  expect(feed.message('spBv1.0/g/NDEATH/n', encodeNodeDeath(2)).timeline).toEqual([])
  expect(feed.message('spBv1.0/g/NDEATH/n', encodeNodeDeath(3)).timeline).toMatchObject([{ k: 'death', device: 'bed-1' }])
})

test('tells the death of a device once, its readings that come after it, and its next birth', () => {
  feed.born()
  const death = () => feed.message('spBv1.0/g/DDEATH/n/bed-1', encodeDeviceDeath({ timestamp: now, seq: 2 })).timeline
  expect(death()).toMatchObject([{ k: 'death', device: 'bed-1', node: 'g/n', reason: 'unplugged' }])
  expect(death()).toEqual([])
  expect(feed.message(dataTopic, batch({}, columns([now], [97]))).timeline).toMatchObject([{ k: 'readings', device: 'bed-1' }])
  expect(feed.born().timeline).toMatchObject([{ k: 'birth', device: 'bed-1' }])
})

test('tells why an agent’s device is away, as its death says; what is no reason is not told', () => {
  for (const [uuid, reason] of [
    ['millrace-death:locked', 'locked'],
    ['millrace-death:no-permission', 'no-permission'],
    ['millrace-death:constructor', 'unplugged'],
  ]) {
    feed = createAgentFeed()
    feed.born()
    const payload = encodeDeviceDeath({ timestamp: now, seq: 2, uuid })
    expect(feed.message('spBv1.0/g/DDEATH/n/bed-1', payload).timeline).toMatchObject([{ k: 'death', reason }])
  }
})

test('gives a device of another node with a taken name a longer name', () => {
  feed.born()
  const { timeline } = feed.message('spBv1.0/g/DBIRTH/other/bed-1', encodeDeviceBirth(declaration, { timestamp: now, seq: 1 }))
  expect(timeline[0]).toMatchObject({ device: 'g/other:bed-1' })
})

test('tells every device’s channels again once a day, for readers that begin late', () => {
  feed.born()
  const midnight = Math.ceil(now / 86_400_000) * 86_400_000
  feed.tick(midnight - 2000)
  expect(feed.tick(midnight - 1000).timeline.map(({ k }) => k)).toEqual(['tick'])
  expect(feed.tick(midnight).timeline).toMatchObject([
    { k: 'tick' },
    { k: 'declaration', device: 'bed-1', channels: [{ name: 'spo2' }] },
  ])
  expect(feed.tick(midnight + 1000).timeline.map(({ k }) => k)).toEqual(['tick'])
})
