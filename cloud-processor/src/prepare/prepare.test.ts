import { beforeEach, expect, test } from 'vitest'
import { createAgentFeed } from './testing/agent.ts'
import { now } from './testing/feed.ts'

let feed: ReturnType<typeof createAgentFeed>

beforeEach(() => {
  feed = createAgentFeed()
})

test('does not go back in time by a tick a little behind', () => {
  feed.tick(now)
  expect(feed.tick(now - 1000).timeline).toMatchObject([{ atMs: now }])
})

test('lets readings expire by a jump of the clock an hour a tick', () => {
  feed.tick(now)
  expect(feed.tick(now + 30 * 365 * 86_400_000).timeline).toMatchObject([
    { atMs: now + 30 * 365 * 86_400_000, expireMs: now + 3_600_000 },
  ])
})
