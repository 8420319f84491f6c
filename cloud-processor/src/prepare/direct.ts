/**
 * Sources without an agent: foreign Sparkplug nodes and plain MQTT devices (plain.ts). They have no receipts and no numbers, so their
 * ledger starts here, under the stream `bridge`: read is what was decoded, and equals forwarded + rejected.
 */
import {
  addTally,
  type Columns,
  type CutRecord,
  countReadings,
  countSamples,
  emptyEdgeCounts,
  type Tally,
} from '@millrace/contract'
import { type BornChannel, decodeBatch, SparkplugError } from '@millrace/contract/sparkplug'
import { tellAbsences } from './absences.ts'
import type { Taking } from './prepare.ts'
import {
  byAlias,
  checkTimes,
  countedBefore,
  describe,
  type IdentitiesOf,
  keepOnly,
  leftOver,
  newlyFound,
  type Problem,
  rejectAll,
} from './problems.ts'
import { messageKey, remember } from './redo.ts'
import { deviceOf, nodeOf } from './sparkplug.ts'
import type { DeviceState, DirectCounts, PrepareState } from './state.ts'

const directStream = 'bridge'

/** Data of a node that gives its messages no Millrace name. */
export function takeForeign(taking: Taking, id: string, device: string): void {
  const key = redoKeyOf(taking)
  if (taking.isReplay && !taking.state.redo.has(key)) return
  const known = deviceOf(taking, nodeOf(taking, id), id, device)
  try {
    const batch = decodeBatch(taking.payload, (alias) => known.channels.get(alias))
    const problems = batch.problems.map(describe)
    const { columns, historical } = batch
    const part = { device: known.name, columns, found: problems, identitiesOf: byAlias(known.channels) }
    deliver(taking, id, [part], [], historical, key)
  } catch (error) {
    if (!(error instanceof SparkplugError)) throw error
    if (taking.isReplay) return
    remember(taking.state, key, 'all')
    taking.reject({ reason: 'PREPARE_PAYLOAD', detail: error.message, lost: [0, 0], node: id, device: known.name })
  }
}

/** Birth values of our own agents are state; those of a foreign node are readings. */
export function takeBirthValues(taking: Taking, id: string, known: DeviceState, born: BornChannel[]): void {
  const columns: Columns = { channels: {}, waves: {} }
  for (const { channel, last } of born) if (last) columns.channels[channel.name] = { t: [last.t], v: [last.v] }
  const part = { device: known.name, columns, found: [], identitiesOf: byAlias(known.channels) }
  deliver(taking, id, [part], [], false, redoKeyOf(taking))
}

/** What a message says about one device. */
export interface Part {
  /** Its name on the timeline. */
  device: string
  columns: Columns
  /** What could not be used. */
  found: Problem[]
  identitiesOf: IdentitiesOf
}

/**
 * `broken` are problems of no device: nothing is counted for them. One record of rejections for the whole message, whatever the
 * number of its devices: each carries all its bytes.
 */
export function deliver(taking: Taking, node: string, parts: Part[], broken: Problem[], hist: boolean, key: string): void {
  const redo = taking.state.redo.get(key)
  const isPart = taking.isReplay && redo !== 'all'
  const before = new Set(isPart ? redo : [])
  const problems = [...broken]
  const left: string[] = []
  const taken = new Set<string>()
  const outOfTime: Problem[] = []
  const perPart = parts.map(({ columns, found, identitiesOf }) => {
    if (isPart) for (const one of keepOnly(columns, before, [...broken, ...found], identitiesOf)) taken.add(one)
    const late = checkTimes(columns, taking, identitiesOf)
    outOfTime.push(...late)
    problems.push(...found, ...late)
    return [...found, ...late]
  })
  const fresh = new Set(isPart ? newlyFound(before, problems) : problems)
  if (isPart) left.push(...leftOver(before, taken, outOfTime))
  for (const { identity } of fresh) left.push(identity)
  const forwarded = parts.map(({ columns }): Tally => [countReadings(columns), countSamples(columns)])
  if (isPart && left.length === before.size && forwarded.every(([readings, samples]) => readings + samples === 0)) return
  for (const [index, { device, columns, identitiesOf }] of parts.entries()) {
    const counts = countsOf(taking.state, device, node)
    addTally(counts.forwarded, forwarded[index]!)
    // What was rejected before and is good now leaves the rejected.
    if (isPart) addTally(counts.rejected, countedBefore(columns, before, identitiesOf), -1)
    for (const problem of perPart[index]!) if (fresh.has(problem)) addTally(counts.rejected, problem.lost)
    counts.messages++
    counts.dirty = true
  }
  remember(taking.state, key, left)
  if (!taking.isReplay) rejectAll(taking, problems, { node, ...(parts.length === 1 ? { device: parts[0]!.device } : {}) })
  for (const [index, { device, columns }] of parts.entries()) {
    tellAbsences(taking, device, columns.absences)
    if (forwarded[index]![0] + forwarded[index]![1] === 0) continue
    const { receivedMs } = taking
    const { channels, waves } = columns
    taking.out({ f: 1, k: 'readings', subject: device, device, stream: directStream, hist, receivedMs, channels, waves })
  }
}

/** At a tick: one cut for every device whose counts changed. */
export function closeDirect(state: PrepareState, out: (cut: CutRecord) => void): void {
  for (const [device, counts] of state.direct) {
    if (!counts.dirty) continue
    counts.dirty = false
    const read: Tally = [counts.forwarded[0] + counts.rejected[0], counts.forwarded[1] + counts.rejected[1]]
    const edge = { ...emptyEdgeCounts(), read }
    const cut = {
      edge,
      evicted: [0, 0] as Tally,
      rejected: [...counts.rejected] as Tally,
      forwarded: [...counts.forwarded] as Tally,
      ahead: [0, 0] as Tally,
    }
    out({
      f: 1,
      k: 'cut',
      node: counts.node,
      stream: directStream,
      through: counts.messages,
      closed: false,
      devices: { [device]: cut },
    })
  }
}

function countsOf(state: PrepareState, device: string, node: string): DirectCounts {
  let counts = state.direct.get(device)
  if (!counts) {
    counts = { node, messages: 0, forwarded: [0, 0], rejected: [0, 0], dirty: false }
    state.direct.set(device, counts)
  }
  return counts
}

export function redoKeyOf({ topic, payload, receivedMs }: Taking): string {
  return messageKey(topic, payload, receivedMs)
}
