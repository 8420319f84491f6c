/**
 * The stage from `raw` to `timeline` and `rejected`: reads what came in, drops repeats, names what is missing, and puts
 * everything that decisions are made on in one order. Pure: its time comes from the records.
 *
 *   message ─ Sparkplug ─ birth ─► declaration, birth        (sparkplug.ts)
 *           │           ├ data of an agent ─► readings, gaps, cuts  (agent.ts over stream.ts)
 *           │           ├ data of a foreign node ─ in the order of seq (order.ts) ─► readings (direct.ts)
 *           │           └ death ─► death
 *           └ plain MQTT ─ codec ─► readings                 (plain.ts)
 *   tick, control ─► the same on every timeline partition
 */
import {
  type Control,
  decodeJson,
  decodeRaw,
  encodeJson,
  type RejectedRecord,
  type Tally,
  type TimelineRecord,
  topics,
} from '@millrace/contract'
import type { LogRecord } from '../log/log.ts'
import { partitionOf } from '../log/partition-of.ts'
import type { Emit, Stage } from '../stage/stage.ts'
import { tellClocks } from './clock-events.ts'
import type { PrepareConfig } from './config.ts'
import { closeDirect } from './direct.ts'
import { wasOverLimit } from './limits.ts'
import { closeOrders, setBack, type Use } from './order.ts'
import { takePlain } from './plain/plain.ts'
import { newest, takeSparkplug, useSparkplug } from './sparkplug.ts'
import { decodeState, encodeState, initialState, type PrepareState } from './state.ts'
import { advance, tickOf } from './time.ts'

/** One message under way through the stage. */
export interface Taking {
  state: PrepareState
  config: PrepareConfig
  topic: string
  payload: Uint8Array
  receivedMs: number
  /** True when a rejected message is tried again. */
  isReplay: boolean
  /** When that was ordered. */
  replayMs?: number
  out(record: TimelineRecord): void
  reject(why: Reject): void
  /** Uses another message, whose turn has come. */
  use: Use
}

export interface Reject {
  reason: string
  detail: string
  lost: Tally
  node?: string
  device?: string
  channel?: string
  at?: RejectedRecord['at']
  /** Only these bytes, instead of the whole message. */
  bytes?: Uint8Array
}

const dayMs = 86_400_000

/** `partitions` of the timeline: a cut is told to each partition for the devices that it holds. */
export function createPrepareStage(config: PrepareConfig, partitions = 1): Stage<PrepareState> {
  return {
    name: 'prepare',
    input: topics.raw,
    initial: initialState,
    encode: encodeState,
    decode: decodeState,
    step: (state, record, emit) => step(config, state, record, cutting(emit, partitions)),
  }
}

/** Splits a cut by the partitions that its devices' readings are in, so that each stands behind what it counts. */
function cutting(emit: Emit, partitions: number): Emit {
  if (partitions === 1) return emit
  return (topic, key, value) => {
    const record = key === null && topic === topics.timeline ? decodeJson<TimelineRecord>(value) : undefined
    if (record?.k !== 'cut') return emit(topic, key, value)
    const byPartition = Map.groupBy(Object.entries(record.devices), ([device]) => partitionOf(device, partitions))
    for (const devices of byPartition.values()) {
      emit(topic, devices[0]![0], encodeJson({ ...record, devices: Object.fromEntries(devices) }))
    }
  }
}

function step(config: PrepareConfig, state: PrepareState, record: LogRecord, emit: Emit): void {
  const raw = decodeRaw(record.value)
  if (raw.k === 'message') return take(createTaking(config, state, emit, raw.topic, raw.payload, raw.receivedMs, false))
  if (raw.k === 'control') return control(config, state, raw.control, raw.atMs, emit)
  const dayBefore = Math.floor(state.tickMs / dayMs)
  const change = advance(state, raw)
  emit(topics.timeline, null, encodeJson(tickOf(state, change)))
  if (change.setMs < 0) setBack(state)
  tellClocks(state, raw, change, (event) => emit(topics.timeline, event.subject, encodeJson(event)))
  if (dayBefore > 0 && Math.floor(state.tickMs / dayMs) > dayBefore) tellChannels(state, emit)
  const use: Use = (...message) => useSparkplug(createTaking(config, state, emit, ...message, false))
  closeOrders(state, config, use, (event) => emit(topics.timeline, event.subject, encodeJson(event)))
  closeDirect(state, (cut) => emit(topics.timeline, Object.keys(cut.devices)[0]!, encodeJson(cut)))
}

/** Once a day again: a reader that begins after retention took the first declaration could not scale what it reads. */
function tellChannels({ nodes }: PrepareState, emit: Emit): void {
  for (const [node, { devices }] of nodes) {
    for (const device of devices.values()) {
      const channels = newest(device)
      if (channels.length > 0)
        emit(
          topics.timeline,
          device.name,
          encodeJson({ f: 1, k: 'declaration', subject: device.name, device: device.name, node, channels }),
        )
    }
  }
}

function control(config: PrepareConfig, state: PrepareState, order: Control, atMs: number, emit: Emit): void {
  if (order.type === 'restored') state.restoredMs = order.backupMs
  if (order.type !== 'replay-rejected')
    return emit(topics.timeline, null, encodeJson({ f: 1, k: 'control', control: order, atMs }))
  const { topic, payloadBase64, receivedMs } = order
  const payload = Buffer.from(payloadBase64, 'base64')
  // What was rejected for want of room has touched nothing yet.
  const isReplay = !wasOverLimit(state, topic, payload, receivedMs)
  take({ ...createTaking(config, state, emit, topic, payload, receivedMs, isReplay), replayMs: atMs })
}

function take(taking: Taking): void {
  if (taking.topic.startsWith('spBv1.0/')) takeSparkplug(taking)
  else takePlain(taking)
}

function createTaking(
  config: PrepareConfig,
  state: PrepareState,
  emit: Emit,
  topic: string,
  payload: Uint8Array,
  receivedMs: number,
  isReplay: boolean,
): Taking {
  return {
    state,
    config,
    topic,
    payload,
    receivedMs,
    isReplay,
    out: (out) => emit(topics.timeline, 'subject' in out ? out.subject : null, encodeJson(out)),
    reject: ({ reason, detail, lost, at = 'prepare', bytes, ...where }) => {
      // It is among the rejected already.
      if (isReplay) return
      const replayable = bytes === undefined ? { topic, receivedMs } : {}
      const bytesBase64 = Buffer.from(bytes ?? payload).toString('base64')
      const rejected: RejectedRecord = {
        f: 1,
        k: 'rejected',
        reason,
        detail,
        at,
        ...where,
        lost,
        atMs: receivedMs,
        ...replayable,
        bytesBase64,
      }
      emit(topics.rejected, where.node ?? topic, encodeJson(rejected))
    },
    use: (...message) => useSparkplug(createTaking(config, state, emit, ...message, false)),
  }
}
