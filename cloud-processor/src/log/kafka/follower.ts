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

/** A partition that begins to be followed waits for the poll in flight: polls are short for a while, where one is likely to come. */
const pollMs = { short: 250, long: 1000, shortFor: 10_000 }
/**
 * Between two polls: what comes in this time comes together. A poll that brought only what this process appended itself shows that
 * others append little here.
 */
const lingerMs = { news: 3, repeats: 20 }
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
  return new EndFollower(options)
}

class EndFollower implements Follower {
  readonly #options: FollowerOptions
  readonly #followed = new Map<string, Followed>()
  /** Nodes that are asked. */
  readonly #polling = new Set<number>()
  #changedMs: number
  #isStopped = false

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#changedMs = options.clock.monotonic()
  }

  follow({ topic, partition }: At, next: number): void {
    const { clock } = this.#options
    const key = keyOf({ topic, partition })
    const known = this.#followed.get(key)
    if (known) known.readMs = clock.monotonic()
    // What lies between is fetched twice at worst: pages keep it once.
    if (known && known.next >= next) return
    if (known) known.next = next
    else this.#followed.set(key, { topic, partition, next, readMs: clock.monotonic() })
    if (!known) this.#changedMs = clock.monotonic()
    this.rearrange()
  }

  next(at: At): number | undefined {
    return this.#followed.get(keyOf(at))?.next
  }

  offer(at: At, chunk: Chunk): boolean {
    const known = this.#followed.get(keyOf(at))
    if (known?.next !== chunk.first) return false
    this.#options.pages.add(keyOf(at), chunk)
    known.next = chunk.next
    return true
  }

  rearrange(): void {
    for (const at of this.#followed.values()) {
      const node = this.#options.client.leader(at)
      if (this.#isStopped || node === undefined || this.#polling.has(node)) continue
      this.#polling.add(node)
      void this.#poll(node).finally(() => this.#polling.delete(node))
    }
  }

  async #poll(node: number): Promise<void> {
    const { client, clock, onFailure, refresh } = this.#options
    for (let failures = 0; !this.#isStopped; ) {
      this.#dropUnread()
      const wants = [...this.#followed.values()].filter((at) => client.leader(at) === node)
      if (wants.length === 0) return
      try {
        const answers = await this.#ask(node, wants)
        failures = 0
        const lingersMs = answers.map((answer) => this.#receive(answer)).filter((ms) => ms > 0)
        if (lingersMs.length > 0) await sleep(clock, Math.min(...lingersMs))
      } catch (error) {
        if (this.#isStopped) return
        const failure = error instanceof KafkaFailure ? error : new KafkaFailure('INTERNAL', true, `${error}`, error)
        onFailure(failure)
        await sleep(clock, pauseAfter(++failures))
        await refresh(failure)
      }
    }
  }

  #ask(node: number, wants: Followed[]): Promise<Fetched[]> {
    const { client, clock } = this.#options
    const asked = wants.map((at) => ({ ...at, from: at.next, bytesMax: bytesEachMax, has: () => at.next }))
    const isSettled = clock.monotonic() - this.#changedMs > pollMs.shortFor
    return client.fetch(node, 'tail', asked, isSettled ? pollMs.long : pollMs.short)
  }

  /** How long to linger; 0: nothing came. */
  #receive(answer: Fetched): number {
    const at = this.#followed.get(keyOf(answer))
    if (!at) return 0
    if (answer.error) {
      // The next read says what is wrong, to the one who can act on it.
      if (answer.error.retry) throw answer.error
      this.#drop(at)
      return 0
    }
    this.#options.onEnd(at, answer.end)
    if (this.#add(at, answer.chunks)) return lingerMs.news
    return answer.isRepeat ? lingerMs.repeats : 0
  }

  /** @returns whether any of it is new. */
  #add(at: Followed, chunks: Chunk[]): boolean {
    let isNew = false
    for (const chunk of chunks) {
      if (chunk.next <= at.next) continue
      if (chunk.count > 0) this.#options.pages.add(keyOf(at), chunk)
      at.next = chunk.next
      isNew = true
    }
    if (isNew) this.#options.ring(at, at.next)
    return isNew
  }

  #drop(at: Followed): void {
    this.#followed.delete(keyOf(at))
    this.#options.ring(at, at.next)
  }

  /** A reader that waits reads again when the bell rings, which shows that it is still there; it is followed again if it was dropped. */
  #dropUnread(): void {
    const now = this.#options.clock.monotonic()
    for (const at of [...this.#followed.values()]) {
      if (now - at.readMs > idleMs.drop) this.#drop(at)
      else if (now - at.readMs > idleMs.ring) this.#options.ring(at, at.next)
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#followed.clear()
  }
}
