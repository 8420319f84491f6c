import type { Clock } from '@millrace/platform'
import { expect, test } from 'vitest'
import type { Fetched, KafkaClient } from './client.ts'
import { createFollower } from './follower.ts'

const at = { topic: 'alarms', partition: 0 }

test('wakes a reader that waits when its partition is followed no longer, however long the poll before took', async () => {
  let nowMs = 0
  const timers: (() => void)[] = []
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    after: (_ms, call) => {
      timers.push(call)
      return () => {}
    },
  }
  const polls: ((answers: Fetched[]) => void)[] = []
  const client: Partial<KafkaClient> = {
    leader: () => 1,
    fetch: () => new Promise((resolve) => polls.push(resolve)),
  }
  const rung: number[] = []
  const follower = createFollower({
    client: client as KafkaClient,
    clock,
    pages: { add: () => {}, read: () => undefined, bytes: () => 0 },
    refresh: async () => {},
    onFailure: () => {},
    ring: (_at, end) => rung.push(end),
    onEnd: () => {},
  })
  follower.follow(at, 55)
  // Kafka does not answer for more than a minute: no poll in which the reader would have been asked whether it is still there.
  nowMs = 70_000
  polls[0]!([])
  await new Promise((resolve) => setImmediate(resolve))
  expect(follower.next(at)).toBeUndefined()
  expect(rung).toEqual([55])
  follower.stop()
})
