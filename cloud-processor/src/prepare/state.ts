/** What `prepare` remembers, and its snapshot. Everything is bounded: see the limits beside each field. */
import type { Channel } from '@millrace/contract'
import { initialWrong, type WrongClocks } from './clock-events.ts'
import type { GatewayClock } from './gateway-clocks.ts'
import type { Order } from './order.ts'
import type { StreamState } from './stream.ts'
import { initialTime, type PartitionTime } from './time.ts'

export interface PrepareState {
  /** Time by the ticks, see time.ts; goes back only where the clock was set back. */
  tickMs: number
  time: PartitionTime
  /** What is wrong with the clocks, and said: see clock-events.ts. */
  wrong: WrongClocks
  /** By `group/node`. */
  nodes: Map<string, NodeState>
  /** By stream id. */
  streams: Map<string, StreamState>
  /** Streams that ended: closed, settled and freed. A late repeat of theirs is dropped. At most `endedMax`, oldest forgotten. */
  ended: Set<string>
  /** Device to the node that declared it first; another node's device of that name is called `node:device`. */
  owners: Map<string, string>
  /** What was rejected and may be made good by a replay: `stream/number` to the identities rejected, or `all`. See redo.ts. */
  redo: Map<string, string[] | 'all'>
  /** What `redo` names in all; at most `redoMax`. */
  redoSize: number
  /** Devices that come without an agent: their ledger starts here. */
  direct: Map<string, DirectCounts>
  /** Hashes of plain MQTT messages, newest last; at most `hashesMax`. */
  hashes: Set<string>
  /** Nodes of which something waits for its turn, or of which a rebirth is wished. */
  waiting: Set<string>
  /** Of all messages that wait for their turn; at most `limits.heldBytes`. */
  heldBytes: number
  /** When the backup was made from which this log was restored last. */
  restoredMs?: number
}

export interface NodeState {
  online: boolean
  bdSeq: number
  /** By Sparkplug device id; `''` for metrics of a foreign node itself. */
  devices: Map<string, DeviceState>
  /** Streams that it has and that have not ended. */
  streams: number
  /** Its newest birth declared receipts. */
  isAgent?: boolean
  /** Of a node without receipts that was born: see order.ts. */
  order?: Order
  /** Why a rebirth is wished. */
  wish?: string
  /** Tick at which one was told last. */
  wishedMs?: number
  /** Of an agent whose clock differs from the processor's: see gateway-clocks.ts. */
  clock?: GatewayClock
}

export interface DeviceState {
  /** The name it has on the timeline. */
  name: string
  online: boolean
  /** Alias to channel, for ever; foreign metrics without an alias stand under their name. */
  channels: Map<number | string, Channel>
}

/** Readings and samples by a source without an agent. */
export interface DirectCounts {
  node: string
  messages: number
  forwarded: [number, number]
  rejected: [number, number]
  dirty: boolean
}

export const endedMax = 10_000
export const hashesMax = 100_000

export function initialState(): PrepareState {
  return {
    tickMs: 0,
    time: initialTime(),
    wrong: initialWrong(),
    nodes: new Map(),
    streams: new Map(),
    ended: new Set(),
    owners: new Map(),
    redo: new Map(),
    redoSize: 0,
    direct: new Map(),
    hashes: new Set(),
    waiting: new Set(),
    heldBytes: 0,
  }
}

/** Forgets the oldest members past a bound; Maps and Sets keep insertion order. */
export function bound(collection: Map<string, unknown> | Set<string>, max: number): void {
  while (collection.size > max) collection.delete(collection.keys().next().value!)
}

/** 1: before there was order.ts. A version that reads only that one would forget what waits. */
const format = 2

/** Snapshot: UTF-8 JSON `{f: 2, state}` in which a Map is `{"$map": [[key, value], ...]}` and a Set `{"$set": [...]}`. */
export function encodeState(state: PrepareState): Uint8Array {
  return Buffer.from(
    JSON.stringify({ f: format, state }, (_key, value) => {
      if (value instanceof Map) return { $map: [...value] }
      if (value instanceof Set) return { $set: [...value] }
      return value
    }),
  )
}

/** @throws Error when the snapshot is of a newer format. */
export function decodeState(bytes: Uint8Array): PrepareState {
  const { f, state } = JSON.parse(Buffer.from(bytes).toString('utf8'), (_key, value) => {
    if (value?.$map) return new Map(value.$map)
    if (value?.$set) return new Set(value.$set)
    return value
  })
  if (f > format)
    throw new Error(
      `prepare's snapshot has format ${f}; this version reads up to ${format}. Run the version that wrote it, or a newer one.`,
    )
  return withClocks(f < 2 ? upgraded(state) : state)
}

/** Snapshots from before time.ts have one time for everything. */
function withClocks(state: PrepareState): PrepareState {
  state.time ??= { ...initialTime(), expireMs: state.tickMs }
  state.wrong ??= initialWrong()
  return state
}

function upgraded(state: PrepareState): PrepareState {
  for (const node of state.nodes.values()) node.streams = 0
  for (const { node } of state.streams.values()) {
    const owner = state.nodes.get(node)
    if (owner) owner.streams++
  }
  return { ...state, waiting: new Set(), heldBytes: 0 }
}
