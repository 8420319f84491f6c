/** DDATA of an agent: a batch of one device's readings. Each batch counts once, whatever is sent again. */
import { countReadings, countSamples, type Tally, timeSpan } from '@millrace/contract'
import { type DecodedBatch, decodeBatch, SparkplugError } from '@millrace/contract/sparkplug'
import { tellAbsences } from '../absences.ts'
import { type Context, reject } from '../context.ts'
import { readingsToTimeline } from '../derived/derive.ts'
import { wantRebirth } from '../foreign/rebirths.ts'
import type { AgentMessage } from '../message.ts'
import { byAlias, describe, type IdentitiesOf, identityOf, lostBy, type Problem, rejectAll } from '../rejections/problems.ts'
import { checkTimes } from '../rejections/times.ts'
import { batchKey, setReplayable } from '../replay/replayable.ts'
import { keepRejected, stillRejected } from '../replay/selection.ts'
import { deviceOf } from '../state/nodes.ts'
import type { DeviceState } from '../state/state.ts'
import { countReplayed, deduplicate, type StreamState, settle } from '../state/stream.ts'
import { type Correction, correct, correctionOf } from '../time/correction.ts'
import { digestOf, digestText } from './digest.ts'
import { checkRising } from './rising.ts'
import { cutAgain, cutIfSettled, streamOf } from './streams.ts'
import { tellTwice } from './twice.ts'

/** A batch with what it is about. */
interface Entry {
  message: AgentMessage
  stream: StreamState
  device: DeviceState
}

export function takeBatch(context: Context, message: AgentMessage): void {
  const stream = streamOf(context, message.node, message.name.stream)
  if (!stream) return
  const entry = { message, stream, device: deviceOf(context.state, message.node, message.device) }
  const rejected = message.isReplay ? context.state.redo.get(batchKey(message.name)) : undefined
  if (message.isReplay && rejected === undefined) return
  const batch = decode(context, entry)
  if (!batch) return
  if (rejected === undefined) takeNew(context, entry, batch)
  else replay(context, entry, batch, rejected)
}

function decode(context: Context, entry: Entry): DecodedBatch | undefined {
  const { message, device } = entry
  // Its birth was lost with a part of the log.
  if (device.channels.size === 0) wantRebirth(context.state, message.node, `no birth of ${device.name} is known`)
  try {
    return decodeBatch(message.payload, (alias) => device.channels.get(alias))
  } catch (error) {
    if (!(error instanceof SparkplugError)) throw error
    if (!message.isReplay) rejectWhole(context, entry, error.message)
    return undefined
  }
}

function rejectWhole(context: Context, entry: Entry, detail: string): void {
  const { message, stream, device } = entry
  const { name, payload, receivedMs } = message
  const digest = digestText(Buffer.from(payload).toString('latin1'))
  // What it held the first time is counted already.
  if (!isNew(context, entry, digest)) return
  const lost: Tally = [name.count, 0]
  settle(stream, name.number, { device: device.name, atMs: receivedMs, forwarded: [0, 0], rejected: lost, digest })
  setReplayable(context.state, batchKey(name), 'all')
  reject(context, message, { reason: 'PREPARE_PAYLOAD', detail, lost, node: message.node, device: device.name })
}

/** False for a repeat; another batch under the same name is rejected. */
function isNew(context: Context, { message, stream, device }: Entry, digest: number): boolean {
  const { name, node } = message
  const seen = deduplicate(stream, name.number, digest)
  if (seen !== 'other-content') return seen === 'new'
  const detail = `number ${name.number} of stream ${name.stream} came before with other content`
  reject(context, message, { reason: 'PREPARE_REPEAT_DIFFERS', detail, lost: [0, 0], node, device: device.name })
  return false
}

function takeNew(context: Context, entry: Entry, batch: DecodedBatch): void {
  const { message, stream, device } = entry
  const { name, node, receivedMs } = message
  const digest = digestOf(batch.columns)
  if (!isNew(context, entry, digest)) return
  if (!batch.historical) tellTwice(context, message)
  const identitiesOf = byAlias(device.channels)
  const problems = unusable(batch, device, identitiesOf)
  const span = timeSpan(batch.columns)
  const atMs = span?.first ?? receivedMs
  const correction = bringToTime(context, entry, batch, span)
  problems.push(...checkTimes(context, message, { columns: batch.columns, identitiesOf: asStamped(identitiesOf, correction) }))
  const forwarded = tallyOf(batch)
  const rejected = lostBy(problems)
  rejected[0] += rejectUncounted(context, entry, forwarded[0] + rejected[0])
  settle(stream, name.number, { device: device.name, atMs, forwarded, rejected, digest })
  setReplayable(context.state, batchKey(name), problems.map(identityOf))
  rejectAll(context, message, problems, { node, device: device.name })
  forward(context, entry, batch, correction)
  for (const frame of batch.bad) rejectFrame(context, entry, frame)
  cutIfSettled(context, stream, name.stream)
}

/** Of a batch that was rejected in part, only that part. */
function replay(context: Context, entry: Entry, batch: DecodedBatch, rejected: string[] | 'all'): void {
  const { message, stream, device } = entry
  const { name } = message
  const identitiesOf = byAlias(device.channels)
  const problems = unusable(batch, device, identitiesOf)
  const before = rejected === 'all' ? undefined : new Set(rejected)
  const taken = before && keepRejected(batch.columns, before, problems, identitiesOf)
  const correction = bringToTime(context, entry, batch, timeSpan(batch.columns))
  const timed = { columns: batch.columns, identitiesOf: asStamped(identitiesOf, correction) }
  const outOfTime = checkTimes(context, message, timed)
  problems.push(...outOfTime)
  const left = before ? stillRejected(before, taken!, outOfTime) : problems.map(identityOf)
  if (left.length === before?.size) return
  const forwarded = tallyOf(batch)
  // A batch rejected whole was counted by its name, without its samples.
  const lifted: Tally = before ? forwarded : [forwarded[0], -lostBy(problems)[1]]
  countReplayed(stream, name.number, { device: device.name, forwarded, lifted })
  setReplayable(context.state, batchKey(name), left)
  forward(context, entry, batch, correction)
  cutAgain(context, stream, name.stream)
}

type Span = ReturnType<typeof timeSpan>

function bringToTime({ state }: Context, { message, device }: Entry, batch: DecodedBatch, whole: Span): Correction | undefined {
  const correction = correctionOf(state, message, device)
  const span = correction && spanOf(batch, whole)
  if (span) correct(device, message, { columns: batch.columns, span, correction })
  return correction
}

/** Of the readings, where there are some: an absence may lie elsewhere. */
function spanOf({ columns: { absences, channels, waves } }: DecodedBatch, whole: Span): Span {
  return absences ? (timeSpan({ channels, waves }) ?? whole) : whole
}

/** What is replayed is called by the time that its agent gave it. */
function asStamped(identitiesOf: IdentitiesOf, correction: Correction | undefined): IdentitiesOf {
  const byMs = correction?.byMs ?? 0
  return byMs === 0 ? identitiesOf : (channel, t) => identitiesOf(channel, t - byMs)
}

function unusable({ problems, columns }: DecodedBatch, { channels }: DeviceState, identitiesOf: IdentitiesOf): Problem[] {
  return [...problems.map(describe), ...checkRising(columns, channels, identitiesOf)]
}

function tallyOf({ columns }: DecodedBatch): Tally {
  return [countReadings(columns), countSamples(columns)]
}

/** Readings that the name has more, or fewer, than there are inside. */
function rejectUncounted(context: Context, { message, device }: Entry, inside: number): number {
  const { name, node } = message
  const uncounted = name.count - inside
  if (uncounted === 0) return 0
  const detail = `the name says ${name.count} readings, inside are ${inside}`
  reject(context, message, { reason: 'PREPARE_COUNT', detail, lost: [uncounted, 0], node, device: device.name })
  return uncounted
}

/** From this uncertainty on nobody knows whether they are of now: nothing is to be done on them as if they were. */
const actOnMsMax = 60_000

function forward(context: Context, { message, device }: Entry, batch: DecodedBatch, correction?: Correction): void {
  const { name: subject } = device
  const { columns } = batch
  tellAbsences(context, subject, columns.absences)
  const { channels, waves } = columns
  if (Object.keys(channels).length === 0 && Object.keys(waves).length === 0) return
  const { name, receivedMs } = message
  const { stream, number } = name
  const hist = batch.historical || (correction !== undefined && correction.uncertaintyMs > actOnMsMax)
  const what = { k: 'readings', stream, number, hist, receivedMs, channels, waves } as const
  const clock = correction && correction.byMs !== 0 ? { clock: correction } : {}
  readingsToTimeline(context, message.node, { f: 1, subject, device: subject, ...what, ...clock })
}

function rejectFrame(context: Context, { message, device }: Entry, frame: DecodedBatch['bad'][number]): void {
  reject(context, message, {
    reason: 'EDGE_FRAME',
    detail: `${frame.reason} (${frame.bytes} bytes)`,
    lost: [0, 0],
    node: message.node,
    device: device.name,
    at: 'edge',
    bytes: Buffer.from(frame.hex, 'hex'),
  })
}
