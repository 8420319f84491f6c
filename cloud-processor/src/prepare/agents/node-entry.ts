/** NDATA of an agent: a ledger record, a gap, or alarms that its rules made. */
import { addTally, type EdgeAlarms, type GapRecord, type LedgerRecord, nodeMetrics, type Tally } from '@millrace/contract'
import type { Payload } from '@millrace/contract/sparkplug'
import { ZodError } from 'zod'
import { type Context, reject, toTimeline } from '../context.ts'
import { hasDeviceRoom } from '../limits.ts'
import type { AgentMessage } from '../message.ts'
import { deviceOf, nodeOf } from '../state/nodes.ts'
import type { DeviceState } from '../state/state.ts'
import {
  countGap,
  type Detail,
  deduplicate,
  hold,
  lastSeenBelow,
  raiseFloor,
  seenOf,
  settle,
  setUnseen,
} from '../state/stream.ts'
import { correctionOf } from '../time/correction.ts'
import { digestText } from './digest.ts'
import { parseAlarms, parseGap, parseLedger } from './node-records.ts'
import { cutIfSettled, forgetEnded, streamOf } from './streams.ts'

export function takeNodeEntry(context: Context, message: AgentMessage, payload: Payload): void {
  const { node, name, receivedMs } = message
  const stream = streamOf(context, node, name.stream)
  if (!stream) return
  const text = (metric: string) => payload.metrics.find((m) => m.name === metric)?.value
  const ledger = text(nodeMetrics.ledger)
  const gap = text(nodeMetrics.gap)
  const alarms = text(nodeMetrics.alarm)
  const digest = digestText(`${ledger ?? ''}${gap ?? ''}${alarms ?? ''}`)
  if (deduplicate(stream, name.number, digest) !== 'new') return
  settle(stream, name.number, { device: '', atMs: receivedMs, forwarded: [0, 0], rejected: [0, 0], digest })
  try {
    if (typeof gap === 'string') takeGap(context, message, parseGap(gap))
    if (typeof alarms === 'string') tellAlarms(context, message, parseAlarms(alarms))
    if (typeof ledger === 'string') takeLedger(context, message, parseLedger(ledger))
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof ZodError)) throw error
    const detail = `ledger, gap or alarm record is not readable: ${error.message.slice(0, 200)}`
    reject(context, message, { reason: 'PREPARE_PAYLOAD', detail, lost: [0, 0], node })
  }
  cutIfSettled(context, stream, name.stream)
}

function takeLedger(context: Context, message: AgentMessage, record: LedgerRecord): void {
  const { node, receivedMs } = message
  for (const [id, floor] of Object.entries(record.floors)) takeFloor(context, message, id, floor)
  const counted = streamOf(context, node, record.stream)
  if (counted) {
    hold(counted, nameDevices(context, message, record))
    cutIfSettled(context, counted, record.stream)
  }
  forgetEnded(context.state, node, record)
  const { backlog } = record
  if (backlog) toTimeline(context, { f: 1, k: 'node', subject: node, node, atMs: receivedMs, backlog })
}

/** What is below the floor was receipted: here, or by a log that a restore replaced. */
function takeFloor(context: Context, { node, receivedMs }: AgentMessage, id: string, floor: number): void {
  const stream = streamOf(context, node, id)
  if (!stream) return
  const lastSeenMs = lastSeenBelow(stream, floor)
  const unseen = raiseFloor(stream, floor)
  if (unseen === 0) return
  const { restoredMs } = context.state
  if (restoredMs !== undefined) setUnseen(stream, Math.min(restoredMs, lastSeenMs ?? restoredMs), receivedMs)
  const text = `${unseen} numbers of stream ${id} were receipted by another log and are not in this one`
  const what = { level: 'error', code: 'LEDGER_FREED_UNSEEN', text } as const
  toTimeline(context, { f: 1, k: 'event', subject: node, device: node, atMs: receivedMs, ...what })
}

/** In the time of the readings that they were made of. */
function tellAlarms(context: Context, message: AgentMessage, { alarms }: EdgeAlarms): void {
  const { state } = context
  const { node, receivedMs } = message
  for (const { device: id, ...told } of alarms) {
    if (!hasDeviceRoom(context, nodeOf(state, node), id)) continue
    const known = deviceOf(state, node, id)
    const device = known.name
    const byMs = correctionOf(state, message, known)?.byMs ?? 0
    const alarm = { ...told, atMs: told.atMs + byMs, raisedMs: told.raisedMs + byMs, decidedMs: told.decidedMs + byMs }
    toTimeline(context, { f: 1, k: 'edge-alarm', subject: device, device, node, receivedMs, alarm })
  }
}

/** The agent's device ids as they are called on the timeline. */
function nameDevices(context: Context, message: AgentMessage, record: LedgerRecord): LedgerRecord {
  const { state } = context
  const node = nodeOf(state, message.node)
  const known = Object.entries(record.devices).filter(([device]) => hasDeviceRoom(context, node, device))
  const left = Object.keys(record.devices).length - known.length
  if (left > 0) {
    const detail = `limits.devicesPerNode is reached: ${left} devices are left out of a ledger record`
    reject(context, message, { reason: 'PREPARE_LIMIT', detail, lost: [0, 0], node: message.node })
  }
  const devices = Object.fromEntries(known.map(([device, counts]) => [deviceOf(state, message.node, device).name, counts]))
  return { ...record, devices }
}

function takeGap(context: Context, message: AgentMessage, gap: GapRecord): void {
  const { state, config } = context
  const stream = streamOf(context, message.node, gap.stream)
  if (!stream) return
  const node = nodeOf(state, message.node)
  if (stream.settled.length + gap.numbers.length > config.limits.rangesPerStream) {
    const detail = `limits.rangesPerStream is reached: a gap of ${gap.numbers.length} stretches is left out`
    return reject(context, message, { reason: 'PREPARE_LIMIT', detail, lost: [0, 0], node: message.node })
  }
  const seen = seenOf(stream, gap.numbers)
  const lost = new Map<string, Tally>()
  for (const [id, stretches] of Object.entries(gap.devices)) {
    if (!hasDeviceRoom(context, node, id)) continue
    const device = deviceOf(state, message.node, id)
    lost.set(device.name, tellStretches(context, { device, message }, stretches, seen))
  }
  countGap(stream, gap.numbers, gap.reason, lost)
  cutIfSettled(context, stream, gap.stream)
}

interface Told {
  device: DeviceState
  message: AgentMessage
}

/** Returns what is really lost: less than the agent says where a receipt was lost and the batch was not. */
function tellStretches(context: Context, told: Told, stretches: GapRecord['devices'][string], seen: Detail[]): Tally {
  const { name: device } = told.device
  const byMs = correctionOf(context.state, told.message, told.device)?.byMs ?? 0
  const sum: Tally = [0, 0]
  for (const { fromMs, toMs, lost: claimed } of stretches) {
    const lost: Tally = [...claimed]
    for (const had of seen) {
      if (had.device !== device || had.atMs < fromMs || had.atMs > toMs) continue
      addTally(lost, had.forwarded, -1)
      addTally(lost, had.rejected, -1)
    }
    addTally(sum, lost)
    const where = { k: 'gap', reason: 'evicted', fromMs: fromMs + byMs, toMs: toMs + byMs } as const
    if (lost[0] + lost[1] > 0) toTimeline(context, { f: 1, subject: device, device, ...where, lost })
  }
  return sum
}
