/**
 * A log that several processes open at once, as one on Kafka is: each reaches it over a network of its own, and it knows
 * nothing of sources, so whatever is sent twice is there twice.
 *
 *   append ─► lane of the process to the partition ─ one request at a time ─► the partition ─► tails of all processes
 *   commit ─► one append to each output partition, then the snapshot, in two pieces
 */
import {
  type Heartbeats,
  type Log,
  type LogRecord,
  type NewRecord,
  partitionOf,
  type Snapshot,
} from '@millrace/cloud-processor/log'
import type { Topic } from '@millrace/contract'
import { MillraceError } from '@millrace/platform'
import { type Caller, createLogNetwork, type LogNetwork } from './log-network.ts'
import type { Random } from './random.ts'
import type { Process, World } from './world.ts'

/** What planted bugs change at one process's end of the log. */
export interface LogBugs {
  /** The snapshot goes out together with the outputs. */
  snapshotEarly?: boolean
  /** A failed output is passed over, and the stage goes on. */
  sendsPastFailure?: boolean
  /** The newest snapshot of any partition is loaded. */
  anySnapshot?: boolean
  /** What readers are given of a record's source. */
  source?: (record: LogRecord) => LogRecord['source']
}

export interface SharedLog {
  readonly id: string
  readonly partitions: number
  open(process: Process, machine: string, bugs?: LogBugs): Log & { heartbeats: Heartbeats }
  /** All that is there, in order. */
  records(topic: Topic, partition: number): readonly LogRecord[]
  readonly network: LogNetwork
  /** Snapshots of which one piece was never written. */
  halfSnapshots(): number
}

/** A snapshot counts when both of its pieces are there. */
interface Generation extends Snapshot {
  pieces: number
}

/** One process's end. */
interface End extends Caller {
  /** Next offset of each partition, as far as this process has heard. */
  heard: Map<string, number>
  news: Set<string>
  listeners: Map<string, Set<(partition: number, end: number) => void>>
  heartbeats: number
  heartbeatListeners: Set<(heartbeat: Uint8Array) => void>
  isTailDue: boolean
}

const tailPollMs = 150
const heartbeatsKey = 'heartbeats'

export function createSharedLog(world: World, random: Random, id: string, partitions: number): SharedLog {
  const lists = new Map<string, LogRecord[]>()
  const snapshots = new Map<string, Set<Generation>>()
  const heartbeats: Uint8Array[] = []
  const ends = new Set<End>()
  const network = createLogNetwork(world, random, id)
  const { isReachable, transitMs, ask, createLanes } = network
  let halfSnapshots = 0

  const listOf = (key: string) => {
    const list = lists.get(key) ?? []
    lists.set(key, list)
    return list
  }
  /** What is new at a partition, or on the heartbeats, comes to the tail of every process, some time later. */
  function spread(key: string): void {
    for (const end of ends) {
      if (!end.process.isAlive) ends.delete(end)
      end.news.add(key)
      tailSoon(end, transitMs())
    }
  }

  function tailSoon(end: End, delayMs: number): void {
    if (end.isTailDue) return
    end.isTailDue = true
    world.at(delayMs, () => {
      const isCut = !isReachable(end.machine)
      if (isCut) {
        end.isTailDue = false
        return tailSoon(end, tailPollMs)
      }
      const answer = [...end.news].map((key): [string, number] => [
        key,
        key === heartbeatsKey ? heartbeats.length : lists.get(key)!.length,
      ])
      end.news.clear()
      end.process.deliver(() => {
        end.isTailDue = false
        for (const [key, next] of answer) hear(end, key, next)
        // Of what came while the process was frozen it knows nothing yet.
        if (end.news.size > 0) tailSoon(end, transitMs())
      })
    })
  }

  function hear(end: End, key: string, next: number): void {
    if (key === heartbeatsKey) {
      while (end.heartbeats < next) {
        const heartbeat = heartbeats[end.heartbeats++]!
        for (const listener of end.heartbeatListeners) listener(heartbeat)
      }
      return
    }
    const at = key.lastIndexOf('/')
    end.heard.set(key, next)
    for (const listener of end.listeners.get(key.slice(0, at)) ?? []) listener(Number(key.slice(at + 1)), next)
  }

  function put(key: string, records: readonly NewRecord[]): number {
    const list = listOf(key)
    const first = list.length
    for (const record of records) list.push({ ...record, offset: list.length, timeMs: world.nowMs })
    spread(key)
    return first
  }

  function open(process: Process, machine: string, bugs: LogBugs = {}): Log & { heartbeats: Heartbeats } {
    const end: End = {
      process,
      machine,
      heard: new Map([...lists].map(([key, list]) => [key, list.length])),
      news: new Set(),
      listeners: new Map(),
      heartbeats: heartbeats.length,
      heartbeatListeners: new Set(),
      isTailDue: false,
    }
    ends.add(end)
    const send = createLanes(end)

    const append = (topic: Topic, partition: number, records: NewRecord[]) => {
      const copies = [...records]
      return send(`${topic}/${partition}`, () => put(`${topic}/${partition}`, copies))
    }

    async function save(stage: string, partition: number, { next, state }: Snapshot): Promise<void> {
      const key = `${stage}/${partition}`
      const generation: Generation = { next, state, pieces: 0 }
      const all = snapshots.get(key) ?? new Set()
      snapshots.set(key, all)
      for (let piece = 0; piece < 2; piece++) {
        // Taken back below, unless the process dies or gives up between the two.
        if (piece === 1) halfSnapshots++
        await send(`snapshot/${key}`, () => {
          generation.pieces++
          all.add(generation)
          // Only the newest whole one is ever asked for.
          if (generation.pieces === 2) for (const one of all) if (one.pieces === 2 && one.next < next) all.delete(one)
          return 0
        })
        if (piece === 1) halfSnapshots--
      }
    }

    function newest(stage: string, partition: number): Snapshot | undefined {
      const keys = bugs.anySnapshot ? Array.from({ length: partitions }, (_, p) => p) : [partition]
      const whole = keys.flatMap((p) => [...(snapshots.get(`${stage}/${p}`) ?? [])].filter(({ pieces }) => pieces === 2))
      // Of two at one offset the later one counts, as on Kafka: a store saves there what it decided since.
      return whole.toReversed().sort((a, b) => b.next - a.next)[0]
    }

    return {
      id,
      partitions,
      partitionOf: (key) => partitionOf(key, partitions),
      append,
      async read(topic, partition, from, limit) {
        if (!isReachable(machine)) throw new MillraceError('LOG_READ', { path: id, detail: 'no answer' })
        const heard = end.heard.get(`${topic}/${partition}`) ?? 0
        const records = lists.get(`${topic}/${partition}`)?.slice(from, Math.min(heard, from + limit.records)) ?? []
        return bugs.source ? records.map((record) => ({ ...record, source: bugs.source!(record) })) : records
      },
      bounds: (topic, partition) => ask(end, () => ({ start: 0, end: lists.get(`${topic}/${partition}`)?.length ?? 0 })),
      onAppend(topic, listener) {
        const all = end.listeners.get(topic) ?? new Set()
        end.listeners.set(topic, all.add(listener))
        return () => all.delete(listener)
      },
      async commit({ stage, partition, outputs, snapshot }) {
        const sent = outputs.map(({ topic, partition, records }) => append(topic, partition, records))
        const saved = bugs.snapshotEarly && snapshot ? save(stage, partition, snapshot) : undefined
        const all = Promise.all([...sent, saved])
        await (bugs.sendsPastFailure ? all.catch(() => {}) : all)
        if (snapshot && !saved) await save(stage, partition, snapshot)
      },
      loadSnapshot: (stage, partition) => ask(end, () => newest(stage, partition)),
      registerReader: async () => {},
      unregisterReader: async () => {},
      trim: async () => {},
      close: async () => void ends.delete(end),
      heartbeats: {
        async post(heartbeat) {
          await send(heartbeatsKey, () => {
            heartbeats.push(heartbeat)
            spread(heartbeatsKey)
            return 0
          })
        },
        onHeartbeat(listener) {
          end.heartbeatListeners.add(listener)
          return () => end.heartbeatListeners.delete(listener)
        },
      },
    }
  }

  return {
    id,
    partitions,
    open,
    records: (topic, partition) => lists.get(`${topic}/${partition}`) ?? [],
    network,
    halfSnapshots: () => halfSnapshots,
  }
}
