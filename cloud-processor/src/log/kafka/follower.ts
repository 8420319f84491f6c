/**
 * Follows the partitions that somebody in this process reads at their end: one long poll for each node, for all of them. What this
 * process appends itself goes to its readers without being fetched.
 *
 *   read at the end ─► followed ─ long poll, own appends ─► pages, listeners
 *                         └─ not read for a minute, and nobody wakes at a ring ─► dropped
 */
import type { Clock } from '@millrace/platform'
import { type At, type Chunk, type Fetched, type KafkaClient, KafkaFailure, keyOf } from './client.ts'
import type { Pages } from './pages.ts'
import { pauseAfter, sleep } from './retry.ts'

/** A partition that is followed anew waits for the poll under way: polls are short for a while, where one is likely to follow. */
const pollMs = { short: 250, long: 1000, shortFor: 10_000 }
/**
 * Between two polls: what comes meanwhile comes together. A poll that brought only what this process appended itself shows that
 * others append little here.
 */
const restMs = { news: 3, repeats: 20 }
const bytesEachMax = 1 << 20
const idleMs = { ring: 20_000, drop: 60_000 }

interface Followed extends At {
  /** Next offset to fetch. */
  next: number
  readMs: number
}

export interface FollowerOptions {
  client: KafkaClient
  clock: Clock
  pages: Pages
  refresh(failure: KafkaFailure): Promise<void>
  onFailure(failure: KafkaFailure): void
  /** Records up to `end` can be read. */
  ring(at: At, end: number): void
  /** Where the broker says the partition ends. */
  onEnd(at: At, end: number): void
}

export interface Follower {
  /** Somebody read up to `next`, which is the end. */
  follow(at: At, next: number): void
  /** Next offset that will come; undefined when the partition is not followed. */
  next(at: At): number | undefined
  /** True when the chunk, which this process appended, was what comes next. */
  offer(at: At, chunk: Chunk): boolean
  /** Leaders may have changed. */
  rearrange(): void
  stop(): void
}

export function createFollower(options: FollowerOptions): Follower {
  const { client, clock, pages } = options
  const followed = new Map<string, Followed>()
  const polling = new Set<number>()
  let changedMs = clock.monotonic()
  let isStopped = false

  function follow({ topic, partition }: At, next: number): void {
    const key = keyOf({ topic, partition })
    const known = followed.get(key)
    if (known) known.readMs = clock.monotonic()
    // What lies between is fetched twice at worst: pages keep it once.
    if (known && known.next >= next) return
    if (known) known.next = next
    else followed.set(key, { topic, partition, next, readMs: clock.monotonic() })
    if (!known) changedMs = clock.monotonic()
    rearrange()
  }

  function rearrange(): void {
    for (const at of followed.values()) {
      const node = client.leader(at)
      if (isStopped || node === undefined || polling.has(node)) continue
      polling.add(node)
      void poll(node).finally(() => polling.delete(node))
    }
  }

  async function poll(node: number): Promise<void> {
    for (let failures = 0; !isStopped; ) {
      dropUnread()
      const wants = [...followed.values()].filter((at) => client.leader(at) === node)
      if (wants.length === 0) return
      try {
        const asked = wants.map((at) => ({ ...at, from: at.next, bytesMax: bytesEachMax, has: () => at.next }))
        const isSettled = clock.monotonic() - changedMs > pollMs.shortFor
        const answers = await client.fetch(node, 'tail', asked, isSettled ? pollMs.long : pollMs.short)
        failures = 0
        const rests = answers.map(receive).filter((rest) => rest > 0)
        if (rests.length > 0) await sleep(clock, Math.min(...rests))
      } catch (error) {
        if (isStopped) return
        const failure = error instanceof KafkaFailure ? error : new KafkaFailure('INTERNAL', true, `${error}`, error)
        options.onFailure(failure)
        await sleep(clock, pauseAfter(++failures))
        await options.refresh(failure)
      }
    }
  }

  /** How long to rest; 0: nothing came. */
  function receive(answer: Fetched): number {
    const at = followed.get(keyOf(answer))
    if (!at) return 0
    if (answer.error) {
      // The next read says what is wrong, to the one who can act on it.
      if (!answer.error.retry) drop(at)
      else throw answer.error
      return 0
    }
    options.onEnd(at, answer.end)
    let isNew = false
    for (const chunk of answer.chunks) {
      if (chunk.next <= at.next) continue
      if (chunk.count > 0) pages.add(keyOf(at), chunk)
      at.next = chunk.next
      isNew = true
    }
    if (isNew) options.ring(at, at.next)
    if (isNew) return restMs.news
    return answer.isRepeat ? restMs.repeats : 0
  }

  function drop(at: Followed): void {
    followed.delete(keyOf(at))
    options.ring(at, at.next)
  }

  /** A reader that waits reads again when the bell rings, which shows that it is still there; it is followed again if it was dropped. */
  function dropUnread(): void {
    const now = clock.monotonic()
    for (const at of [...followed.values()]) {
      if (now - at.readMs > idleMs.drop) drop(at)
      else if (now - at.readMs > idleMs.ring) options.ring(at, at.next)
    }
  }

  return {
    follow,
    next: (at) => followed.get(keyOf(at))?.next,
    offer(at, chunk) {
      const known = followed.get(keyOf(at))
      if (known?.next !== chunk.first) return false
      pages.add(keyOf(at), chunk)
      known.next = chunk.next
      return true
    },
    rearrange,
    stop() {
      isStopped = true
      followed.clear()
    },
  }
}
