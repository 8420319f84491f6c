/**
 * Virtual time. Everything that happens is an event on one queue, in order of time and then of asking, so that a seed gives
 * the same run every time. After each event all promises settle before the next one: code under test is ordinary async code.
 */
import type { Clock } from '@millrace/platform'

export interface World {
  readonly nowMs: number
  at(delayMs: number, call: () => void): () => void
  /** Runs events until that time. */
  run(untilMs: number): Promise<void>
  /** Resolves after a delay of virtual time. */
  sleep(delayMs: number): Promise<void>
  /** A process: its own clock, which stops with it, and whose wall time may be wrong. */
  process(wrongByMs?: number): Process
}

export interface Process {
  readonly clock: Clock
  readonly isAlive: boolean
  /** Its wall clock is wrong by this much from now on; the monotonic one is not. */
  setWall(wrongByMs: number): void
  /** SIGKILL: nothing of it ever runs again. */
  kill(): void
  /** SIGSTOP and SIGCONT: what was due in between happens at the thaw. */
  freeze(): void
  thaw(): void
  /** Calls unless the process is dead; later if it is frozen. For messages and disk completions that reach it. */
  deliver(call: () => void): void
}

/** Simulated epoch. */
const startMs = Date.UTC(2026, 0, 1)

interface Event {
  atMs: number
  order: number
  call: (() => void) | undefined
}

export function createWorld(): World {
  const queue: Event[] = []
  let nowMs = startMs
  let order = 0
  const world: World = {
    get nowMs() {
      return nowMs
    },
    at(delayMs, call) {
      const event: Event = { atMs: nowMs + Math.max(0, delayMs), order: order++, call }
      push(queue, event)
      return () => {
        event.call = undefined
      }
    },
    async run(untilMs) {
      while (queue.length > 0 && queue[0]!.atMs <= untilMs) {
        const event = pop(queue)
        if (!event.call) continue
        nowMs = event.atMs
        event.call()
        await new Promise((resolve) => setImmediate(resolve))
      }
      nowMs = untilMs
    },
    sleep: (delayMs) => new Promise((resolve) => world.at(delayMs, resolve)),
    process: (wrongByMs = 0) => createProcess(world, wrongByMs),
  }
  return world
}

function createProcess(world: World, wrongAtFirstMs: number): Process {
  let wrongByMs = wrongAtFirstMs
  let isAlive = true
  let isFrozen = false
  let waiting: (() => void)[] = []
  const deliver = (call: () => void) => {
    if (!isAlive) return
    if (isFrozen) waiting.push(call)
    else call()
  }
  return {
    clock: {
      now: () => Math.floor(world.nowMs + wrongByMs),
      monotonic: () => world.nowMs - startMs,
      after: (ms, call) => world.at(ms, () => deliver(call)),
    },
    get isAlive() {
      return isAlive
    },
    setWall(ms) {
      wrongByMs = ms
    },
    kill() {
      isAlive = false
      waiting = []
    },
    freeze() {
      isFrozen = true
    },
    thaw() {
      isFrozen = false
      const due = waiting
      waiting = []
      // One after the other: what each starts may come between.
      for (const call of due) world.at(0, () => deliver(call))
    },
    deliver,
  }
}

/** A binary heap, earliest first. */
function push(queue: Event[], event: Event): void {
  let at = queue.length
  queue.push(event)
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isBefore(event, queue[parent]!)) break
    queue[at] = queue[parent]!
    at = parent
  }
  queue[at] = event
}

function pop(queue: Event[]): Event {
  const first = queue[0]!
  const last = queue.pop()!
  if (queue.length === 0) return first
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= queue.length) break
    if (child + 1 < queue.length && isBefore(queue[child + 1]!, queue[child]!)) child++
    if (!isBefore(queue[child]!, last)) break
    queue[at] = queue[child]!
    at = child
  }
  queue[at] = last
  return first
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
