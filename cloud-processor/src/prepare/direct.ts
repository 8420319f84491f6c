/**
 * Sources without an agent: foreign Sparkplug nodes and plain MQTT devices. They have no receipts and no numbers, so their
 * ledger starts here, under the stream `bridge`: read is what was decoded, and equals forwarded + rejected.
 */
import { createHash } from 'node:crypto'
import {
  type Channel,
  type Columns,
  type CutRecord,
  countReadings,
  countSamples,
  emptyEdgeCounts,
  type Tally,
} from '@millrace/contract'
import { type BornChannel, decodeBatch, SparkplugError } from '@millrace/contract/sparkplug'
import { codecs } from './codecs/index.ts'
import type { PlainConfig } from './config.ts'
import type { Taking } from './prepare.ts'
import { checkTimes, describe, type Problem } from './problems.ts'
import { deviceOf, nodeOf } from './sparkplug.ts'
import { bound, type DeviceState, type DirectCounts, hashesMax, type PrepareState, redoMax } from './state.ts'

export const directStream = 'bridge'

/** Data of a node that gives its messages no Millrace name. */
export function takeForeign(taking: Taking, id: string, device: string): void {
  const key = redoKeyOf(taking)
  if (taking.isReplay && !taking.state.redo.has(key)) return
  const known = deviceOf(taking, nodeOf(taking, id), id, device)
  try {
    const batch = decodeBatch(taking.payload, (alias) => known.channels.get(alias))
    deliver(taking, id, known.name, batch.columns, batch.problems.map(describe), batch.historical, known.channels, key)
  } catch (error) {
    if (!(error instanceof SparkplugError)) throw error
    if (taking.isReplay) return
    remember(taking, key)
    taking.reject({ reason: 'PREPARE_PAYLOAD', detail: error.message, lost: [0, 0], node: id, device: known.name })
  }
}

/** Birth values of our own agents are state; those of a foreign node are readings. */
export function takeBirthValues(taking: Taking, id: string, known: DeviceState, born: BornChannel[]): void {
  const columns: Columns = { channels: {}, waves: {} }
  for (const { channel, last } of born) if (last) columns.channels[channel.name] = { t: [last.t], v: [last.v] }
  deliver(taking, id, known.name, columns, [], false, known.channels, redoKeyOf(taking))
}

export function takePlain(taking: Taking): void {
  const config = taking.config.plain.find(({ filter }) => matches(filter, taking.topic))
  const key = redoKeyOf(taking)
  if (!config) return taking.reject({ reason: 'PREPARE_TOPIC', detail: `no plain filter takes ${taking.topic}`, lost: [0, 0] })
  if (taking.isReplay) {
    if (!taking.state.redo.has(key)) return
  } else if (isRepeat(taking, config, key)) return
  const levels = taking.topic.split('/')
  const device = config.device.replace(/\{(\d+)\}/g, (_, level) => levels[Number(level)] ?? '')
  try {
    const { columns, problems } = codecs[config.codec]!(taking.payload, config, taking.receivedMs)
    const described = problems.map(
      ({ channel, detail }): Problem => ({ reason: 'PREPARE_READING', detail, lost: [1, 0], channel, identity: channel }),
    )
    const channels = declare(taking, config, device)
    deliver(taking, 'plain', device, columns, described, false, channels, key)
  } catch (error) {
    if (taking.isReplay) return
    remember(taking, key)
    taking.reject({ reason: 'PREPARE_PAYLOAD', detail: `${config.codec}: ${(error as Error).message}`, lost: [0, 0], device })
  }
}

/** Only a payload with a time in it can be told from the next one that says the same. */
function isRepeat({ state }: Taking, config: PlainConfig, key: string): boolean {
  if (config.time === undefined) return false
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
  channels: Map<number | string, Channel>,
  key: string,
): void {
  const redo = taking.state.redo.get(key)
  const problems = [...found, ...checkTimes(columns, taking.receivedMs, taking.config, channels)]
  const rejected: Tally = [0, 0]
  for (const { lost } of problems) for (const i of [0, 1] as const) rejected[i] += lost[i]
  const counts = countsOf(taking.state, device, node)
  if (taking.isReplay && redo !== 'all') {
    // Only what was rejected before and is good now; the rest is in the store already.
    const wanted = new Set(redo)
    for (const name of Object.keys(columns.channels)) if (!wanted.has(name)) delete columns.channels[name]
    columns.waves = {}
  }
  const forwarded: Tally = [countReadings(columns), countSamples(columns)]
  for (const i of [0, 1] as const) {
    counts.forwarded[i] += forwarded[i]
    if (taking.isReplay && redo !== 'all') counts.rejected[i] -= forwarded[i]
    else counts.rejected[i] += rejected[i]
  }
  counts.messages++
  counts.dirty = true
  if (problems.length > 0)
    taking.state.redo.set(
      key,
      problems.map(({ identity }) => identity),
    )
  else taking.state.redo.delete(key)
  bound(taking.state.redo, redoMax)
  if (!taking.isReplay) for (const problem of problems) taking.reject({ ...problem, node, device })
  if (forwarded[0] + forwarded[1] === 0) return
  const { receivedMs } = taking
  taking.out({ f: 1, k: 'readings', subject: device, device, stream: directStream, hist, receivedMs, ...columns })
}

function declare(taking: Taking, config: PlainConfig, device: string): Map<number | string, Channel> {
  const node = nodeOf(taking, 'plain')
  const known = deviceOf(taking, node, 'plain', device)
  if (known.channels.size === 0) {
    for (const { name, kind, unit } of config.channels) {
      const datatype = kind === 'number' ? 'Double' : kind === 'text' ? 'String' : 'Boolean'
      known.channels.set(name, { name, kind, datatype, unit })
    }
    taking.out({ f: 1, k: 'declaration', subject: device, device, node: 'plain', channels: [...known.channels.values()] })
  }
  return known.channels
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

function remember(taking: Taking, key: string): void {
  taking.state.redo.set(key, 'all')
  bound(taking.state.redo, redoMax)
}

/** Messages without a name are known by their content. */
function redoKeyOf({ topic, payload }: Taking): string {
  return createHash('sha256').update(topic).update('\0').update(payload).digest('base64url').slice(0, 22)
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
