/**
 * What `prepare` remembers. Everything is bounded: see the limits beside each field. The names of the fields are those of the
 * snapshot (snapshot.ts), so `redo` is what may be replayed and `wish` a rebirth request: their names are those of the format.
 */
import type { Channel, Registry } from '@millrace/contract'
import { type GatewayClock, initialTime, initialWrong, type PartitionTime, type WrongClocks } from './clocks.ts'
import type { StreamState } from './stream.ts'

export interface PrepareState {
  /** Time by the ticks, see ../time/partition-time.ts; goes back only where the clock was set back. */
  tickMs: number
  time: PartitionTime
  /** See ../time/clock-events.ts. */
  wrong: WrongClocks
  /** By `group/node`. */
  nodes: Map<string, NodeState>
  /** By stream id. */
  streams: Map<string, StreamState>
  /** Streams that ended: closed, settled and freed. A late repeat of one of their batches is dropped. At most `endedMax`, oldest forgotten. */
  ended: Set<string>
  /** Device to the node that declared it first; another node's device of that name is called `node:device`. */
  owners: Map<string, string>
  /** What was rejected and may be replayed: `stream/number` to the identities rejected, or `all`. See ../replay/replayable.ts. */
  redo: Map<string, string[] | 'all'>
  /** What `redo` names in all; at most `replayableMax`. */
  redoSize: number
  /** Devices that come without an agent: their ledger starts here. */
  direct: Map<string, DirectCounts>
  /** Hashes of plain MQTT messages, newest last; at most `hashesMax`. */
  hashes: Set<string>
  /** Plain messages of QoS 1 without a PUBACK, as far as the log says: see ../plain/redelivery.ts. */
  deliveries?: Deliveries
  /** Nodes of which something waits for its turn, or of which a rebirth is to be requested. */
  waiting: Set<string>
  /** Of all messages that wait for their turn; at most `limits.heldBytes`. */
  heldBytes: number
  /** By device: what is derived of it, see ../derived/. */
  derived: Map<string, DerivedDevice>
  /** Of all devices; at most `limits.derivedLanes`. */
  derivedLanes: number
  /** What devices measure and where they are; bounded by who orders its changes. Absent: nothing was said. */
  registry?: Registry
  /** When the backup was made from which this log was restored last. */
  restoredMs?: number
}

export interface Deliveries {
  /** By run of the bridge, then by packet identifier and topic. */
  runs: Map<string, Map<string, OpenDelivery>>
  /** The broker uses packet identifiers again at once: they say nothing across a restart of the bridge. */
  isReusing: boolean
}

export interface OpenDelivery {
  number: number
  /** CRC-32 of the payload. */
  check: number
  bytes: number
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
  /** Of a node without receipts that was born: see ../foreign/order.ts. */
  order?: Order
  /** Stream of its newest live batch, and those before: see ../agents/twice.ts. */
  live?: { stream: string; former: string[]; returns: number }
  /** Why a rebirth is to be requested: see ../foreign/rebirths.ts. */
  wish?: string
  /** Tick at which one was requested last. */
  wishedMs?: number
  /** Of an agent whose clock differs from the processor's: see ../time/gateway-clocks.ts. */
  clock?: GatewayClock
}

export interface DeviceState {
  /** The name it has on the timeline. */
  name: string
  online: boolean
  /** Of a plain device: whose share of the room it has. */
  account?: string
  /** Alias to channel; foreign metrics without an alias are under their name. */
  channels: Map<number | string, Channel>
  /** Of an agent's device: what its times were corrected by last, and the newest of them then. See ../time/correction.ts. */
  clock?: { byMs: number; lastMs: number }
  /** Metrics that the newest birth declared and no channel can hold; at most `limits.channelsPerDevice`. */
  unusable?: Set<number | string>
}

/** Of the messages of a node by their `seq`. */
export interface Order {
  /** `seq` of the next message. */
  next: number
  /** Payload time of the newest used in order: tells a jump ahead by half the numbers or more from what is late. */
  sentMs: number
  held: Held[]
  /** Since when the message that is next is waited for. */
  sinceMs: number
}

/** A message that waits for those before it. */
export interface Held {
  seq: number
  sentMs: number
  topic: string
  payloadBase64: string
  receivedMs: number
}

/** Readings and samples by a source without an agent. */
export interface DirectCounts {
  node: string
  messages: number
  forwarded: [number, number]
  rejected: [number, number]
  dirty: boolean
}

/** Readings of derived channels, counted as the stream `derived`. */
export interface DerivedDevice {
  node: string
  records: number
  computed: number
  dirty: boolean
  /** By lane and name of the entry: `live ecg`. */
  lanes: Map<string, DerivedLane>
  /** That there is no room for more has been told. */
  isFull?: boolean
}

export interface DerivedLane {
  /** What it is of: another recipe or another declaration begins a new memory. */
  of: string
  /** By source: time of the newest sample. */
  taken: number[]
  /** By output: the newest time that was told. */
  told: Record<string, number>
  memory: object
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
    derived: new Map(),
    derivedLanes: 0,
  }
}

/** Forgets the oldest members past a bound; Maps and Sets keep insertion order. */
export function bound(collection: Map<string, unknown> | Set<string>, max: number): void {
  while (collection.size > max) collection.delete(collection.keys().next().value!)
}
