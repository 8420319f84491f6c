/**
 * Sources without an agent: foreign Sparkplug nodes and plain MQTT devices. They have no receipts and no numbers, so their
 * ledger starts here, under the stream `bridge`: read is what was decoded, and equals forwarded + rejected.
 */
import {
  addTally,
  type Columns,
  type CutCounts,
  type CutRecord,
  countReadings,
  countSamples,
  directStream,
  emptyEdgeCounts,
  encodeJson,
  type Tally,
  topics,
} from '@millrace/contract'
import { tellAbsences } from './absences.ts'
import type { Context } from './context.ts'
import { readingsToTimeline } from './derived/derive.ts'
import type { Message } from './message.ts'
import { type IdentitiesOf, identityOf, type Problem, rejectAll } from './rejections/problems.ts'
import { checkTimes } from './rejections/times.ts'
import { setReplayable } from './replay/replayable.ts'
import { countedBefore, keepRejected, newlyFound, stillRejected } from './replay/selection.ts'
import type { DirectCounts, PrepareState } from './state/state.ts'
import type { TimeUnit } from './time/units.ts'

/** A message that was decoded. */
export interface Delivery {
  node: string
  /** What a replay calls the message: see replay/replayable.ts. */
  key: string
  parts: Part[]
  /** Problems of no device: nothing is counted for them. */
  broken: Problem[]
  hist: boolean
}

/** What a message says about one device. */
export interface Part {
  /** Its name on the timeline. */
  device: string
  columns: Columns
  /** What could not be used. */
  found: Problem[]
  identitiesOf: IdentitiesOf
  /** Of the times as they were sent; absent: ms. */
  timeUnit?: TimeUnit
}

/**
 * One record of rejections for the whole message, whatever the number of its devices: each carries all its bytes. Of a message
 * that was rejected in part, a replay delivers that part.
 */
export function deliver(context: Context, message: Message, delivery: Delivery): void {
  const rejected = message.isReplay ? context.state.redo.get(delivery.key) : 'all'
  if (rejected === 'all') return deliverAll(context, message, delivery)
  redeliver(context, message, delivery, new Set(rejected))
}

function deliverAll(context: Context, message: Message, delivery: Delivery): void {
  const { state } = context
  const { node, key, parts } = delivery
  const problems = [...delivery.broken]
  for (const part of parts) {
    const rejected = [...part.found, ...checkTimes(context, message, part)]
    count(state, node, part, rejected)
    problems.push(...rejected)
  }
  setReplayable(state, key, problems.map(identityOf))
  rejectAll(context, message, problems, { node, ...(parts.length === 1 ? { device: parts[0]!.device } : {}) })
  for (const part of parts) forward(context, message, part, delivery)
}

/** `before`: the identities of what was rejected. */
function redeliver(context: Context, message: Message, delivery: Delivery, before: Set<string>): void {
  const { state } = context
  const { node, key, parts, broken } = delivery
  const taken = new Set<string>()
  const outOfTime: Problem[] = []
  const newOf = parts.map((part) => {
    const { columns, found, identitiesOf } = part
    for (const one of keepRejected(columns, before, [...broken, ...found], identitiesOf)) taken.add(one)
    const late = checkTimes(context, message, part)
    outOfTime.push(...late)
    return newlyFound(before, [...found, ...late])
  })
  const fresh = [...newlyFound(before, broken), ...newOf.flat()]
  const left = [...stillRejected(before, taken, outOfTime), ...fresh.map(identityOf)]
  if (left.length === before.size && parts.every(isEmpty)) return
  for (const [index, part] of parts.entries()) {
    count(state, node, part, newOf[index]!)
    // What was rejected before and is good now leaves the rejected.
    addTally(countsOf(state, part.device, node).rejected, countedBefore(part.columns, before, part.identitiesOf), -1)
  }
  setReplayable(state, key, left)
  for (const part of parts) forward(context, message, part, delivery)
}

function count(state: PrepareState, node: string, { device, columns }: Part, rejected: Problem[]): void {
  const counts = countsOf(state, device, node)
  addTally(counts.forwarded, tallyOf(columns))
  for (const { lost } of rejected) addTally(counts.rejected, lost)
  counts.messages++
  counts.dirty = true
}

function countsOf(state: PrepareState, device: string, node: string): DirectCounts {
  let counts = state.direct.get(device)
  if (!counts) {
    counts = { node, messages: 0, forwarded: [0, 0], rejected: [0, 0], dirty: false }
    state.direct.set(device, counts)
  }
  return counts
}

function forward(context: Context, { receivedMs }: Message, part: Part, { node, hist }: Delivery): void {
  const { device, columns } = part
  tellAbsences(context, device, columns.absences)
  if (isEmpty(part)) return
  const { channels, waves } = columns
  const what = { k: 'readings', stream: directStream, hist, receivedMs, channels, waves } as const
  readingsToTimeline(context, node, { f: 1, subject: device, device, ...what })
}

function isEmpty({ columns }: Part): boolean {
  const [readings, samples] = tallyOf(columns)
  return readings + samples === 0
}

function tallyOf(columns: Columns): Tally {
  return [countReadings(columns), countSamples(columns)]
}

/** At a tick: one cut for every device whose counts changed. */
export function closeDirect({ state, emit }: Context): void {
  for (const [device, counts] of state.direct) {
    if (!counts.dirty) continue
    counts.dirty = false
    emit(topics.timeline, device, encodeJson(cutOf(device, counts)))
  }
}

function cutOf(device: string, { node, messages, forwarded, rejected }: DirectCounts): CutRecord {
  const read: Tally = [forwarded[0] + rejected[0], forwarded[1] + rejected[1]]
  const counts: CutCounts = {
    edge: { ...emptyEdgeCounts(), read },
    evicted: [0, 0],
    rejected: [...rejected],
    forwarded: [...forwarded],
    ahead: [0, 0],
  }
  const devices = { [device]: counts }
  return { f: 1, k: 'cut', node, stream: directStream, through: messages, closed: false, devices }
}
