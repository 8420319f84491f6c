/** Entries of an agent's stream: batches of readings (DDATA), ledger and gap records (NDATA). Each counts once, whatever is resent. */
import {
  addTally,
  type BatchName,
  type CutRecord,
  countReadings,
  countSamples,
  type GapRecord,
  type LedgerRecord,
  nodeMetrics,
  type Tally,
  timeSpan,
} from '@millrace/contract'
import { type DecodedBatch, decodeBatch, type Payload, SparkplugError } from '@millrace/contract/sparkplug'
import { ZodError } from 'zod'
import { tellAbsences } from './absences.ts'
import { digestOf, digestText } from './digest.ts'
import { hasDeviceRoom } from './limits.ts'
import { parseGap, parseLedger } from './node-entries.ts'
import type { Taking } from './prepare.ts'
import { byAlias, checkTimes, describe, keepOnly, leftOver, rejectAll } from './problems.ts'
import { remember } from './redo.ts'
import { checkRising } from './rising.ts'
import { deviceOf, nodeOf } from './sparkplug.ts'
import { bound, endedMax } from './state.ts'
import {
  countGap,
  countUnseen,
  createStream,
  cut,
  hold,
  lastSeenBelow,
  raiseFloor,
  recut,
  redeem,
  type StreamState,
  seenOf,
  settle,
  setUnseen,
  sight,
} from './stream.ts'

export function takeBatch(taking: Taking, id: string, device: string, name: BatchName): void {
  const stream = streamOf(taking, id, name.stream)
  if (!stream) return
  const node = nodeOf(taking, id)
  const known = deviceOf(taking, node, id, device)
  const redoKey = `${name.stream}/${name.number}`
  const redo = taking.state.redo.get(redoKey)
  if (taking.isReplay && redo === undefined) return

  let batch: DecodedBatch
  try {
    batch = decodeBatch(taking.payload, (alias) => known.channels.get(alias))
  } catch (error) {
    if (!(error instanceof SparkplugError)) throw error
    return rejectWhole(taking, stream, id, known.name, name, error.message)
  }
  const identitiesOf = byAlias(known.channels)
  const digest = digestOf(batch.columns)
  const unusable = [...batch.problems.map(describe), ...checkRising(batch.columns, known.channels, identitiesOf)]
  const isPart = taking.isReplay && redo !== 'all'
  const before = new Set(isPart ? redo : [])
  const taken = isPart ? keepOnly(batch.columns, before, unusable, identitiesOf) : new Set<string>()
  const atMs = timeSpan(batch.columns)?.first ?? taking.receivedMs
  if (!taking.isReplay) {
    const sighting = sight(stream, name.number, digest)
    if (sighting === 'other-content') return rejectRepeat(taking, id, known.name, name)
    if (sighting === 'repeat') return
  }
  const outOfTime = checkTimes(batch.columns, taking, identitiesOf)
  const problems = [...unusable, ...outOfTime]
  const left = isPart ? leftOver(before, taken, outOfTime) : problems.map(({ identity }) => identity)
  if (isPart && left.length === before.size) return
  const forwarded: Tally = [countReadings(batch.columns), countSamples(batch.columns)]
  const lost: Tally = [0, 0]
  for (const problem of problems) addTally(lost, problem.lost)
  const uncounted = taking.isReplay ? 0 : name.count - forwarded[0] - lost[0]
  if (uncounted !== 0) {
    const detail = `the name says ${name.count} readings, inside are ${name.count - uncounted}`
    taking.reject({ reason: 'PREPARE_COUNT', detail, lost: [uncounted, 0], node: id, device: known.name })
    lost[0] += uncounted
  }
  // A batch rejected whole was counted by its name, without its samples.
  if (taking.isReplay) redeem(stream, name.number, known.name, forwarded, redo === 'all' ? [forwarded[0], -lost[1]] : forwarded)
  else settle(stream, name.number, { device: known.name, atMs, forwarded, rejected: lost, digest })
  remember(taking.state, redoKey, left)
  if (!taking.isReplay) rejectAll(taking, problems, { node: id, device: known.name })
  forward(taking, id, known.name, name, batch)
  if (taking.isReplay) cutAgain(taking, stream, name.stream)
  else cutIfSettled(taking, stream, name.stream)
}

function rejectWhole(taking: Taking, stream: StreamState, id: string, device: string, name: BatchName, detail: string): void {
  if (taking.isReplay) return
  const digest = digestText(Buffer.from(taking.payload).toString('latin1'))
  const sighting = sight(stream, name.number, digest)
  if (sighting === 'repeat') return
  // What it held the first time is counted already.
  if (sighting === 'other-content') return rejectRepeat(taking, id, device, name)
  const lost: Tally = [name.count, 0]
  settle(stream, name.number, { device, atMs: taking.receivedMs, forwarded: [0, 0], rejected: lost, digest })
  remember(taking.state, `${name.stream}/${name.number}`, 'all')
  taking.reject({ reason: 'PREPARE_PAYLOAD', detail, lost, node: id, device })
}

function rejectRepeat(taking: Taking, node: string, device: string, { stream, number }: BatchName): void {
  const detail = `number ${number} of stream ${stream} came before with other content`
  taking.reject({ reason: 'PREPARE_REPEAT_DIFFERS', detail, lost: [0, 0], node, device })
}

function forward(
  taking: Taking,
  node: string,
  device: string,
  name: BatchName,
  { columns, bad, historical }: DecodedBatch,
): void {
  const where = { f: 1 as const, subject: device, device }
  tellAbsences(taking, device, columns.absences)
  if (Object.keys(columns.channels).length > 0 || Object.keys(columns.waves).length > 0) {
    const { channels, waves } = columns
    const { stream, number } = name
    taking.out({ ...where, k: 'readings', stream, number, hist: historical, receivedMs: taking.receivedMs, channels, waves })
  }
  if (taking.isReplay) return
  for (const frame of bad) {
    const bytes = Buffer.from(frame.hex, 'hex')
    taking.reject({
      reason: 'EDGE_FRAME',
      detail: `${frame.reason} (${frame.bytes} bytes)`,
      lost: [0, 0],
      node,
      device,
      at: 'edge',
      bytes,
    })
  }
}

/** NDATA under a batch name: a ledger record or a gap. */
export function takeNodeEntry(taking: Taking, id: string, name: BatchName, payload: Payload): void {
  const stream = streamOf(taking, id, name.stream)
  if (!stream) return
  const text = (metric: string) => payload.metrics.find((m) => m.name === metric)?.value
  const ledger = text(nodeMetrics.ledger)
  const gap = text(nodeMetrics.gap)
  const digest = digestText(`${ledger ?? ''}${gap ?? ''}`)
  const sighting = sight(stream, name.number, digest)
  if (sighting !== 'new') return
  settle(stream, name.number, { device: '', atMs: taking.receivedMs, forwarded: [0, 0], rejected: [0, 0], digest })
  try {
    if (typeof gap === 'string') takeGap(taking, id, parseGap(gap))
    if (typeof ledger === 'string') takeLedger(taking, id, parseLedger(ledger))
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof ZodError)) throw error
    taking.reject({
      reason: 'PREPARE_PAYLOAD',
      detail: `ledger or gap record is not readable: ${error.message.slice(0, 200)}`,
      lost: [0, 0],
      node: id,
    })
  }
  cutIfSettled(taking, stream, name.stream)
}

function takeLedger(taking: Taking, id: string, record: LedgerRecord): void {
  for (const [streamId, floor] of Object.entries(record.floors)) {
    const stream = streamOf(taking, id, streamId)
    const lastSeenMs = stream && lastSeenBelow(stream, floor)
    const unseen = stream ? raiseFloor(stream, floor) : 0
    if (unseen > 0) {
      const { restoredMs } = taking.state
      if (restoredMs !== undefined) setUnseen(stream!, Math.min(restoredMs, lastSeenMs ?? restoredMs), taking.receivedMs)
      const text = `${unseen} numbers of stream ${streamId} were receipted by another log and are not in this one`
      taking.out({
        f: 1,
        k: 'event',
        subject: id,
        device: id,
        atMs: taking.receivedMs,
        level: 'error',
        code: 'LEDGER_FREED_UNSEEN',
        text,
      })
    }
  }
  const counted = streamOf(taking, id, record.stream)
  if (counted) {
    hold(counted, nameDevices(taking, id, record))
    cutIfSettled(taking, counted, record.stream)
  }
  forgetEnded(taking, id, record)
  if (record.backlog) taking.out({ f: 1, k: 'node', subject: id, node: id, atMs: taking.receivedMs, backlog: record.backlog })
}

/** The agent's device ids as they are called on the timeline. */
function nameDevices(taking: Taking, id: string, record: LedgerRecord): LedgerRecord {
  const node = nodeOf(taking, id)
  const known = Object.entries(record.devices).filter(([device]) => hasDeviceRoom(taking, node, device))
  const left = Object.keys(record.devices).length - known.length
  if (left > 0) {
    const detail = `limits.devicesPerNode is reached: ${left} devices are left out of a ledger record`
    taking.reject({ reason: 'PREPARE_LIMIT', detail, lost: [0, 0], node: id })
  }
  const devices = Object.fromEntries(known.map(([device, counts]) => [deviceOf(taking, node, id, device).name, counts]))
  return { ...record, devices }
}

/** A closed stream that its agent holds no longer, and of which nothing can be made good, is remembered by its id alone. */
function forgetEnded(taking: Taking, id: string, record: LedgerRecord): void {
  for (const [streamId, stream] of taking.state.streams) {
    if (stream.node !== id || !stream.closed || streamId in record.floors || streamId === record.stream) continue
    if (mayBeMadeGood(taking, stream, streamId)) continue
    taking.state.streams.delete(streamId)
    nodeOf(taking, id).streams--
    taking.state.ended.add(streamId)
    bound(taking.state.ended, endedMax)
  }
}

/** By a replay of what was rejected. */
function mayBeMadeGood({ state }: Taking, { devices }: StreamState, id: string): boolean {
  if ([...devices.values()].every(({ rejected }) => rejected[0] === 0 && rejected[1] === 0)) return false
  return [...state.redo.keys()].some((key) => key.startsWith(`${id}/`))
}

function takeGap(taking: Taking, id: string, gap: GapRecord): void {
  const stream = streamOf(taking, id, gap.stream)
  if (!stream) return
  const node = nodeOf(taking, id)
  if (stream.settled.length + gap.numbers.length > taking.config.limits.rangesPerStream) {
    const detail = `limits.rangesPerStream is reached: a gap of ${gap.numbers.length} stretches is left out`
    return taking.reject({ reason: 'PREPARE_LIMIT', detail, lost: [0, 0], node: id })
  }
  const seen = seenOf(stream, gap.numbers)
  const lost = new Map<string, Tally>()
  for (const [device, stretches] of Object.entries(gap.devices)) {
    if (!hasDeviceRoom(taking, node, device)) continue
    const { name } = deviceOf(taking, node, id, device)
    const sum: Tally = [0, 0]
    for (const { fromMs, toMs, lost: claimed } of stretches) {
      const really: Tally = [...claimed]
      for (const had of seen) {
        if (had.device !== name || had.atMs < fromMs || had.atMs > toMs) continue
        addTally(really, had.forwarded, -1)
        addTally(really, had.rejected, -1)
      }
      addTally(sum, really)
      if (really[0] + really[1] > 0)
        taking.out({ f: 1, k: 'gap', subject: name, device: name, reason: 'evicted', fromMs, toMs, lost: really })
    }
    lost.set(name, sum)
  }
  countGap(stream, gap.numbers, gap.reason, lost)
  cutIfSettled(taking, stream, gap.stream)
}

function cutIfSettled(taking: Taking, stream: StreamState, streamId: string): void {
  const record = cut(stream, streamId)
  if (!record) return
  if (stream.unseen) tellUnseen(taking, stream, record)
  taking.out(record)
}

/** What was in a log that a restore took away: nobody has it, and the ledger says how much that was. */
function tellUnseen(taking: Taking, stream: StreamState, record: CutRecord): void {
  const { fromMs, toMs } = stream.unseen!
  for (const [device, lost] of countUnseen(stream, record))
    taking.out({ f: 1, k: 'gap', subject: device, device, reason: 'restored', fromMs, toMs, lost })
}

/** What a replay made good changes a cut that was made already. */
function cutAgain(taking: Taking, stream: StreamState, streamId: string): void {
  const record = recut(stream, streamId)
  if (record) taking.out(record)
}

/** Undefined for a stream that ended or belongs to another node: its entries are repeats, or forged; and where there is no room for one. */
function streamOf(taking: Taking, node: string, id: string): StreamState | undefined {
  const { streams, ended } = taking.state
  if (ended.has(id)) return undefined
  let stream = streams.get(id)
  if (!stream) {
    const owner = nodeOf(taking, node)
    if (owner.streams >= taking.config.limits.streamsPerNode) return undefined
    owner.streams++
    stream = createStream(node)
    streams.set(id, stream)
  }
  return stream.node === node ? stream : undefined
}
