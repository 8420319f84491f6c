/**
 * Sources without an agent: foreign Sparkplug nodes and plain MQTT devices. They have no receipts and no numbers, so their
 * ledger starts here, under the stream `bridge`: read is what was decoded, and equals forwarded + rejected.
 */
import { createHash } from 'node:crypto'
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
import type { Decoded } from './codecs/codec.ts'
import { codecs } from './codecs/index.ts'
import type { PlainConfig } from './config.ts'
import type { Taking } from './prepare.ts'
import { byAlias, checkTimes, describe, type IdentitiesOf, keepOnly, leftOver, type Problem, rejectAll } from './problems.ts'
import { remember } from './redo.ts'
import { deviceOf, learn, nodeOf } from './sparkplug.ts'
import { bound, type DeviceState, type DirectCounts, hashesMax, type PrepareState } from './state.ts'

export const directStream = 'bridge'

/** Data of a node that gives its messages no Millrace name. */
export function takeForeign(taking: Taking, id: string, device: string): void {
  const key = redoKeyOf(taking)
  if (taking.isReplay && !taking.state.redo.has(key)) return
  const known = deviceOf(taking, nodeOf(taking, id), id, device)
  try {
    const batch = decodeBatch(taking.payload, (alias) => known.channels.get(alias))
    const problems = batch.problems.map(describe)
    deliver(taking, id, known.name, batch.columns, problems, batch.historical, byAlias(known.channels), key)
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
  deliver(taking, id, known.name, columns, [], false, byAlias(known.channels), redoKeyOf(taking))
}

export function takePlain(taking: Taking): void {
  const config = taking.config.plain.find(({ filter }) => matches(filter, taking.topic))
  const key = redoKeyOf(taking)
  if (taking.isReplay && !taking.state.redo.has(key)) return
  if (!config) return rejectPlain(taking, key, 'PREPARE_TOPIC', `no plain filter takes ${taking.topic}`)
  if (!taking.isReplay && isRepeat(taking, config)) return
  const levels = taking.topic.split('/')
  const device = config.device.replace(/\{(\d+)\}/g, (_, level) => levels[Number(level)] ?? '')
  let decoded: Decoded
  try {
    decoded = codecs[config.codec]!(taking.payload, config, taking.receivedMs)
  } catch (error) {
    return rejectPlain(taking, key, 'PREPARE_PAYLOAD', `${config.codec}: ${(error as Error).message.slice(0, 200)}`, device)
  }
  const { columns, problems, places } = decoded
  const nameOf = (channel: string, place: number) => `${channel}#${place}`
  const described = problems.map(({ channel, place, detail }): Problem => {
    return { reason: 'PREPARE_READING', detail, lost: [1, 0], channel, identity: nameOf(channel, place) }
  })
  const identitiesOf: IdentitiesOf = (channel, t) => (places.get(`${channel}@${t}`) ?? []).map((place) => nameOf(channel, place))
  deliver(taking, 'plain', declare(taking, config, device), columns, described, false, identitiesOf, key)
}

/** Nothing of the message can be used as things are. */
function rejectPlain(taking: Taking, key: string, reason: string, detail: string, device?: string): void {
  if (taking.isReplay) return
  remember(taking.state, key, 'all')
  taking.reject({ reason, detail, lost: [0, 0], ...(device === undefined ? {} : { device }) })
}

/** Only a payload with a time in it can be told from the next one that says the same. */
function isRepeat({ state, topic, payload }: Taking, config: PlainConfig): boolean {
  if (config.time === undefined) return false
  const key = hashOf(topic, payload)
  if (state.hashes.has(key)) return true
  state.hashes.add(key)
  bound(state.hashes, hashesMax)
  return false
}

function deliver(
  taking: Taking,
  node: string,
  device: string,
  columns: Columns,
  found: Problem[],
  hist: boolean,
  identitiesOf: IdentitiesOf,
  key: string,
): void {
  const redo = taking.state.redo.get(key)
  const isPart = taking.isReplay && redo !== 'all'
  const before = new Set(isPart ? redo : [])
  const taken = isPart ? keepOnly(columns, before, found, identitiesOf) : new Set<string>()
  const outOfTime = checkTimes(columns, taking.receivedMs, taking.config, identitiesOf)
  const problems = [...found, ...outOfTime]
  const left = isPart ? leftOver(before, taken, outOfTime) : problems.map(({ identity }) => identity)
  if (isPart && left.length === before.size) return
  const forwarded: Tally = [countReadings(columns), countSamples(columns)]
  const counts = countsOf(taking.state, device, node)
  addTally(counts.forwarded, forwarded)
  // What was rejected before and is good now leaves the rejected.
  if (isPart) addTally(counts.rejected, forwarded, -1)
  else for (const { lost } of problems) addTally(counts.rejected, lost)
  counts.messages++
  counts.dirty = true
  remember(taking.state, key, left)
  if (!taking.isReplay) rejectAll(taking, problems, { node, device })
  tellAbsences(taking, device, columns.absences)
  if (forwarded[0] + forwarded[1] === 0) return
  const { receivedMs } = taking
  const { channels, waves } = columns
  taking.out({ f: 1, k: 'readings', subject: device, device, stream: directStream, hist, receivedMs, channels, waves })
}

/** The configuration says what the channels are; when it says something new, that is told. Returns the device's name. */
function declare(taking: Taking, config: PlainConfig, device: string): string {
  const known = deviceOf(taking, nodeOf(taking, 'plain'), 'plain', device)
  const isChanged = learn(
    known,
    config.channels.map(({ name, kind, unit }) => {
      const datatype = kind === 'number' ? 'Double' : kind === 'text' ? 'String' : 'Boolean'
      return { channel: { name, kind, datatype, unit } }
    }),
  )
  const { name, channels } = known
  if (isChanged)
    taking.out({ f: 1, k: 'declaration', subject: name, device: name, node: 'plain', channels: [...channels.values()] })
  return name
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

/** Messages without a name are known by their content and the time of their arrival, which a replay keeps. */
export function redoKeyOf({ topic, payload, receivedMs }: Taking): string {
  return hashOf(`${topic}\0${receivedMs}`, payload)
}

function hashOf(text: string, payload: Uint8Array): string {
  return createHash('sha256').update(text).update('\0').update(payload).digest('base64url').slice(0, 22)
}

/** [MQTT-4.7] `+` is one level, `#` the rest. */
function matches(filter: string, topic: string): boolean {
  const want = filter.split('/')
  const have = topic.split('/')
  for (const [index, level] of want.entries()) {
    if (level === '#') return true
    if (index >= have.length || (level !== '+' && level !== have[index])) return false
  }
  return want.length === have.length
}
