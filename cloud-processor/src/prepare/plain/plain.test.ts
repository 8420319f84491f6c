import { beforeEach, expect, test } from 'vitest'
import { createAgentFeed } from '../testing/agent.ts'
import { now } from '../testing/feed.ts'

let feed: ReturnType<typeof createAgentFeed>

beforeEach(() => {
  feed = createAgentFeed()
})

test('reads plain JSON, drops its repeats, and rejects what is none', () => {
  expect(feed.message('plain/p1', Buffer.from(`{"at":${now},"hr":61}`)).timeline.map(({ k }) => k)).toEqual([
    'declaration',
    'readings',
  ])
  expect(feed.message('plain/p1', Buffer.from(`{"at":${now},"hr":61}`)).timeline).toEqual([])
  expect(feed.message('plain/p1', Buffer.from('{"hr":')).rejected).toMatchObject([{ reason: 'PREPARE_PAYLOAD' }])
  expect(feed.message('elsewhere', Buffer.from('x')).rejected).toMatchObject([{ reason: 'PREPARE_TOPIC' }])
})

test('gives a plain device that calls itself like a device of a node another name', () => {
  feed.born()
  const { timeline } = feed.message('plain/bed-1', Buffer.from(`{"at":${now},"hr":61}`))
  expect(timeline).toMatchObject([{ device: 'plain:bed-1' }, { k: 'readings', device: 'plain:bed-1' }])
})
