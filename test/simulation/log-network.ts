/**
 * The network between processes and a shared log. What may become of a request: applied and answered; lost; applied, and the
 * answer is lost; applied only long after the caller was told that it failed. The last three look the same to the caller. A
 * request goes on without its process.
 */
import { MillraceError } from '@millrace/platform'
import type { Random } from './random.ts'
import type { Process, World } from './world.ts'

export interface RequestFaults {
  lose: number
  loseAnswer: number
  delay: number
}

export interface Caller {
  process: Process
  machine: string
}

interface Call {
  apply: () => number
  done(first: number): void
  failed(error: unknown): void
}

const requestMs = 0.3
/** A caller waits so long for an answer that does not come. */
const giveUpMs = 1200
/** And so long for a log that it does not reach, as the writer to Kafka does; in some runs it is told sooner. */
const reachMsOf = (random: Random) => (random.next() < 0.5 ? 60_000 : giveUpMs)
const lateMsMax = 20_000

export type LogNetwork = ReturnType<typeof createLogNetwork>

export function createLogNetwork(world: World, random: Random, logId: string) {
  const cutUntilMs = new Map<string, number>()
  const struck = { lost: 0, answersLost: 0, delayed: 0, cuts: 0, restarts: 0 }
  const reachMs = reachMsOf(random)
  let faults: RequestFaults = { lose: 0, loseAnswer: 0, delay: 0 }
  let downUntilMs = 0

  const isReachable = (machine: string) => world.nowMs >= downUntilMs && world.nowMs >= (cutUntilMs.get(machine) ?? 0)
  const transitMs = () => requestMs + 2 * random.next()
  const failure = () => new MillraceError('LOG_WRITE', { path: logId, detail: 'no answer' })

  /** Sends until `giveUpMs` are over; `applied` may be true even when it failed. */
  function request<T>(caller: Caller, apply: () => T, answer: (result: T) => void, failed: () => void): void {
    const fate = random.next()
    const giveUp = () => world.at(giveUpMs * (0.3 + 0.7 * random.next()), () => caller.process.deliver(failed))
    if (fate < faults.lose) {
      struck.lost++
      return void giveUp()
    }
    if (fate < faults.lose + faults.delay) {
      struck.delayed++
      world.at(giveUpMs + lateMsMax * random.next() ** 3, apply)
      return void giveUp()
    }
    const isAnswerLost = fate < faults.lose + faults.delay + faults.loseAnswer
    const beganMs = world.nowMs
    const attempt = () => {
      if (!isReachable(caller.machine)) {
        if (!caller.process.isAlive) return
        if (world.nowMs - beganMs > reachMs) return caller.process.deliver(failed)
        return void world.at(100, attempt)
      }
      const result = apply()
      if (isAnswerLost) {
        struck.answersLost++
        return void giveUp()
      }
      world.at(transitMs(), () => {
        if (isReachable(caller.machine)) caller.process.deliver(() => answer(result))
        else giveUp()
      })
    }
    world.at(transitMs(), attempt)
  }

  function ask<T>(caller: Caller, apply: () => T): Promise<T> {
    return new Promise((resolve, reject) => request(caller, apply, resolve, () => reject(failure())))
  }

  function createLanes(caller: Caller) {
    const lanes = new Map<string, { waiting: Call[]; isBusy: boolean }>()
    const pump = (key: string) => {
      const lane = lanes.get(key)!
      if (lane.isBusy || lane.waiting.length === 0) return
      const group = lane.waiting
      lane.waiting = []
      lane.isBusy = true
      const next = (settle: () => void) => {
        lane.isBusy = false
        settle()
        pump(key)
      }
      request(
        caller,
        () => group.map(({ apply }) => apply()),
        (firsts) =>
          next(() => {
            for (const [k, { done }] of group.entries()) done(firsts[k]!)
          }),
        () =>
          next(() => {
            for (const { failed } of group) failed(failure())
          }),
      )
    }
    return (key: string, apply: () => number) =>
      new Promise<number>((done, failed) => {
        const lane = lanes.get(key) ?? { waiting: [], isBusy: false }
        lanes.set(key, lane)
        lane.waiting.push({ apply, done, failed })
        pump(key)
      })
  }

  return {
    struck,
    isReachable,
    transitMs,
    ask,
    /** What waits in one queue goes together; one request of a queue is in flight at a time. */
    createLanes,
    setFaults(next: RequestFaults) {
      faults = next
    },
    /** The machine can neither write nor hear. */
    cut(machine: string, forMs: number) {
      struck.cuts++
      cutUntilMs.set(machine, world.nowMs + forMs)
    },
    restart(downMs: number) {
      struck.restarts++
      downUntilMs = world.nowMs + downMs
    },
    /** Everything is reached again. */
    mend() {
      downUntilMs = 0
      cutUntilMs.clear()
    },
  }
}
