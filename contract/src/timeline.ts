/**
 * Records of the log's topics. A record's value is JSON (UTF-8) with `f` (format version) and `k` (kind); `raw` messages
 * are binary, see `encodeRaw`. Every record that a stage made carries its source position and index (log record headers).
 */
import type { EdgeCounts, Tally } from './ledger.ts'
import type { AbsenceReason, Channel, Column, Segment } from './reading.ts'

export const topics = {
  raw: 'millrace.raw',
  timeline: 'millrace.timeline',
  rejected: 'millrace.rejected',
  alarms: 'millrace.alarms',
} as const
export type Topic = (typeof topics)[keyof typeof topics]

/** Where a record came from: the position of the input record, and its index among that record's outputs. */
export interface Source {
  log: string
  partition: number
  offset: number
  index: number
}

// ---- raw -----------------------------------------------------------------------------------------------------------

/** `millrace.raw`: a message as it came, a tick, or a control record. */
export type RawRecord =
  | { k: 'message'; topic: string; payload: Uint8Array; receivedMs: number }
  | RawTick
  | { k: 'control'; control: Control; atMs: number }

export interface RawTick {
  k: 'tick'
  atMs: number
  /** The bridge's run, and its monotonic time: between two ticks of one run they tell a pause from a clock that was set. */
  run?: string
  elapsedMs?: number
  /** By how much the wall clock is off `atMs`, while the bridge does not follow a jump of it. */
  offMs?: number
}

/** What acts on stages only by way of the log: who wanted it, and what. */
export type Control = { by: string } & (
  | { type: 'rules'; rules: unknown }
  | { type: 'acknowledge'; alarm: string; note?: string }
  | { type: 'replay-rejected'; topic: string; payloadBase64: string; receivedMs: number }
  /** The log was restored from a backup of that time: what was receipted after it is in no log any more. */
  | { type: 'restored'; backupMs: number }
)

/** Layout of a raw value: one byte kind (1 message, 2 JSON), then for a message: u16 topic length, topic, f64 receivedMs, payload. */
export function encodeRaw(record: RawRecord): Uint8Array {
  if (record.k !== 'message') return Buffer.concat([Buffer.of(2), Buffer.from(JSON.stringify(record))])
  const topicLength = Buffer.byteLength(record.topic)
  const out = Buffer.allocUnsafe(11 + topicLength + record.payload.length)
  out[0] = 1
  out.writeUInt16BE(topicLength, 1)
  out.write(record.topic, 3)
  out.writeDoubleBE(record.receivedMs, 3 + topicLength)
  out.set(record.payload, 11 + topicLength)
  return out
}

export function decodeRaw(value: Uint8Array): RawRecord {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  if (bytes[0] !== 1) return JSON.parse(bytes.toString('utf8', 1))
  const end = 3 + bytes.readUInt16BE(1)
  return {
    k: 'message',
    topic: bytes.toString('utf8', 3, end),
    receivedMs: bytes.readDoubleBE(end),
    payload: bytes.subarray(end + 8),
  }
}

// ---- timeline ------------------------------------------------------------------------------------------------------

interface Common {
  f: 1
  /** What is measured; by default the device. */
  subject: string
  device: string
}

/** Readings of one device. Raw device integers; `scale` and `offset` are in the newest declaration of the device. */
export interface ReadingsRecord extends Common {
  k: 'readings'
  /** Absent for sources without an agent. */
  stream?: string
  number?: number
  hist: boolean
  receivedMs: number
  channels: Record<string, Column>
  waves: Record<string, Segment[]>
}

/** A device's channels, sent before the first readings that use them and when they change. */
export interface DeclarationRecord extends Common {
  k: 'declaration'
  node: string
  channels: Channel[]
}

/** Data that is not there, with bounds and a reason. Charts draw it, rules see it. */
export interface GapTimelineRecord extends Common {
  k: 'gap'
  reason: AbsenceReason
  /** Absent: every channel of the device. */
  channel?: string
  fromMs: number
  /** Absent while the absence lasts: it ends with the channel's next reading. */
  toMs?: number
  /** Where known. */
  lost?: Tally
}

export interface BirthRecord extends Common {
  k: 'birth' | 'death'
  node: string
  atMs: number
  reason: string
}

/** One a second for each raw partition. Goes back only where the clock was set back by more than 5 s. */
export interface TickRecord {
  f: 1
  k: 'tick'
  atMs: number
  /** The clock was set ahead by this much before this tick: there was no pause. */
  setMs?: number
  /** Where it differs from `atMs`: the time by which readings expire, which follows a jump by an hour a tick. */
  expireMs?: number
}

/** How an edge node is doing, from its newest ledger record: what its outbox still holds. */
export interface NodeRecord {
  f: 1
  k: 'node'
  subject: string
  node: string
  atMs: number
  backlog: { rows: number; bytes: number }
}

/** All numbers up to `through` of `stream` are settled; what each device's counts were at that cut. */
export interface CutRecord {
  f: 1
  k: 'cut'
  node: string
  stream: string
  through: number
  closed: boolean
  devices: Record<string, CutCounts>
}

export interface CutCounts {
  edge: EdgeCounts
  /** Evicted numbers that the cloud had not seen. */
  evicted: Tally
  /** Rejected by `prepare` (undecodable, not a number, out of time). */
  rejected: Tally
  /** Put on the timeline from numbers up to the cut. */
  forwarded: Tally
  /** Put on the timeline before this record from numbers above the cut. */
  ahead: Tally
}

export interface ControlTimelineRecord {
  f: 1
  k: 'control'
  control: Control
  atMs: number
}

/** A line for people from an agent or a stage: unplugged, replugged, clock jumped. */
export interface EventRecord extends Common {
  k: 'event'
  atMs: number
  level: 'info' | 'warn' | 'error'
  code: string
  text: string
}

export type TimelineRecord =
  | ReadingsRecord
  | DeclarationRecord
  | GapTimelineRecord
  | BirthRecord
  | NodeRecord
  | TickRecord
  | CutRecord
  | ControlTimelineRecord
  | EventRecord

// ---- rejected ------------------------------------------------------------------------------------------------------

export interface RejectedRecord {
  f: 1
  k: 'rejected'
  /** Code of the error catalogue, such as `PREPARE_PAYLOAD`. */
  reason: string
  detail: string
  /** Where it was found. */
  at: 'edge' | 'bridge' | 'prepare' | 'store'
  node?: string
  device?: string
  channel?: string
  /** Scalar readings and samples counted as rejected by this record. */
  lost: Tally
  atMs: number
  /** The message it was in, to be replayed; for a bad frame only `bytesBase64`. */
  topic?: string
  receivedMs?: number
  bytesBase64: string
}

// ---- alarms --------------------------------------------------------------------------------------------------------

export type AlarmPriority = 'low' | 'medium' | 'high'

/** A change of one alarm's state. `id` names one occurrence: rule, subject and the time it was raised. */
export interface AlarmRecord {
  f: 1
  k: 'alarm'
  /** `<rule>/<device>/<channel>/<raised at ms>`: the same live, replayed and at the edge. */
  id: string
  rule: string
  subject: string
  device: string
  channel: string
  priority: AlarmPriority
  change: 'raised' | 'cleared' | 'acknowledged'
  active: boolean
  acknowledged: boolean
  /** True when made from late data: in the record, but never notified. */
  retrospective: boolean
  /** Technical alarms are about missing data, physiological ones about values. */
  technical: boolean
  /** Event time of the change. */
  atMs: number
  raisedMs: number
  clearedMs?: number
  acknowledgedMs?: number
  by?: string
  note?: string
  /** Scaled value that made the change, where there is one, and its unit. */
  value?: number
  unit?: string
  /** For people: `SpO2 84 % below 88 % for 10 s`. */
  text: string
}

/** A notification that is due; the notifiers send it at least once. `key` is stable over repeats. */
export interface NotificationRecord {
  f: 1
  k: 'notification'
  key: string
  alarm: AlarmRecord
}

/** What became of a notification at one receiver: another notifier that takes over goes on from here. */
export interface SettledRecord {
  f: 1
  k: 'settled'
  key: string
  /** Name of the receiver in the configuration. */
  target: string
  /** `withheld`: too old or its beginning was never told. `refused`: the receiver does not want it. */
  state: 'sent' | 'withheld' | 'refused'
  atMs: number
}

export type AlarmTopicRecord = AlarmRecord | NotificationRecord | SettledRecord

const decoder = new TextDecoder()

export function encodeJson(record: TimelineRecord | RejectedRecord | AlarmTopicRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record))
}

export function decodeJson<T extends TimelineRecord | RejectedRecord | AlarmTopicRecord>(value: Uint8Array): T {
  return JSON.parse(decoder.decode(value)) as T
}
