/** What every handler works with: the state, the configuration, and the way out. */
import {
  type CutRecord,
  encodeJson,
  type RejectedRecord,
  type RejectionReason,
  type Tally,
  type TimelineRecord,
  topics,
} from '@millrace/contract'
import { partitionOf } from '../log/partition-of.ts'
import type { Emit } from '../stage/stage.ts'
import type { PrepareConfig } from './config.ts'
import type { Message } from './message.ts'
import type { PrepareState } from './state/state.ts'
import { bySubject } from './subjects.ts'

export interface Context {
  state: PrepareState
  config: PrepareConfig
  /** Of the timeline. */
  partitions: number
  emit: Emit
}

/**
 * A record about a device goes to the partition of the device, whatever it measures: there its readings are counted, in one order.
 * Any other goes to all.
 */
export function toTimeline({ state, emit }: Context, record: Exclude<TimelineRecord, CutRecord>): void {
  const { registry } = state
  if (registry !== undefined && 'device' in record && registry.has(record.device)) {
    for (const one of bySubject(registry, record)) emit(topics.timeline, record.device, encodeJson(one))
  } else emit(topics.timeline, 'subject' in record ? record.subject : null, encodeJson(record))
}

/** Splits a cut by the partitions that its devices' readings are in, so that each is behind what it counts. */
export function cutToTimeline({ emit, partitions }: Context, cut: CutRecord): void {
  if (partitions === 1) return emit(topics.timeline, null, encodeJson(cut))
  const byPartition = Map.groupBy(Object.entries(cut.devices), ([device]) => partitionOf(device, partitions))
  for (const devices of byPartition.values())
    emit(topics.timeline, devices[0]![0], encodeJson({ ...cut, devices: Object.fromEntries(devices) }))
}

export interface Rejection {
  reason: RejectionReason
  detail: string
  lost: Tally
  node?: string
  device?: string
  channel?: string
  at?: RejectedRecord['at']
  /** Only these bytes, instead of the whole message. */
  bytes?: Uint8Array
}

/** What is replayed is among the rejected already. */
export function reject({ emit }: Context, message: Message, rejection: Rejection): void {
  if (message.isReplay) return
  const { reason, detail, lost, at = 'prepare', bytes, ...where } = rejection
  const { topic, receivedMs, isRetained } = message
  const record: RejectedRecord = {
    f: 1,
    k: 'rejected',
    reason,
    detail,
    at,
    ...where,
    lost,
    atMs: receivedMs,
    ...(bytes === undefined ? { topic, receivedMs, ...(isRetained ? { retain: true } : {}) } : {}),
    bytesBase64: Buffer.from(bytes ?? message.payload).toString('base64'),
  }
  emit(topics.rejected, where.node ?? topic, encodeJson(record))
}
