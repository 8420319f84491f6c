/** Who is there, and what its aliases mean: births and deaths of nodes and devices, of agents and others. */
import { deathReasons, parseDeathName } from '@millrace/contract'
import { type BornChannel, bdSeqOf, type DeviceBirth, decodeDeviceBirth, type Payload } from '@millrace/contract/sparkplug'
import { type Context, reject, toTimeline } from '../context.ts'
import { declare } from '../derived/declare.ts'
import { deliver } from '../direct.ts'
import { type MetricKey, readMetrics } from '../foreign/metrics.ts'
import type { SparkplugMessage } from '../message.ts'
import { messageKey } from '../replay/replayable.ts'
import { deviceOf, learn, nodeOf } from '../state/nodes.ts'
import type { DeviceState, NodeState } from '../state/state.ts'

/** A foreign node may have metrics of its own, which are a device called like the node. */
export function takeNodeBirth(context: Context, message: SparkplugMessage, payload: Payload): void {
  const node = nodeOf(context.state, message.node)
  node.online = true
  node.bdSeq = bdSeqOf(payload) ?? -1
  const { channels, skipped } = decodeDeviceBirth(payload)
  if (channels.length + skipped.length + (message.bad?.size ?? 0) > 0) takeDeviceBirth(context, message, payload)
}

export function takeDeviceBirth(context: Context, message: SparkplugMessage, payload: Payload): void {
  const { node, receivedMs } = message
  const birth = decodeDeviceBirth(payload)
  const device = deviceOf(context.state, node, message.device)
  const former = new Set([...device.channels.values()].map(({ name }) => name))
  forgetSkipped(device, birth)
  const { isChanged, out } = learnBirth(context, device, birth.channels)
  setUnusable(context, device, [...birth.skipped.map(keyOfSkipped), ...out])
  if (isChanged) declare(context, node, device)
  const where = { f: 1, subject: device.name, device: device.name, node } as const
  if (!device.online) toTimeline(context, { ...where, k: 'birth', atMs: receivedMs, reason: 'device birth' })
  device.online = true
  nodeOf(context.state, node).online = true
  const isTold = birth.declaration === undefined && deliverValues(context, message, { device, birth, former, out })
  if (out.length > 0 && !isTold) rejectOut(context, message, device, out)
}

interface Born {
  device: DeviceState
  birth: DeviceBirth
  /** Names of the channels that were known before. */
  former: Set<string>
  /** For which there is no room. */
  out: MetricKey[]
}

/**
 * Birth values of our own agents are state; those of a foreign node are readings. A channel that is new with a null has not lost its
 * value. True when a value was rejected because there is no room for its channel.
 */
function deliverValues(context: Context, message: SparkplugMessage, { device, birth, former, out }: Born): boolean {
  const why = new Map(birth.skipped.map((skipped) => [keyOfSkipped(skipped), skipped.reason]))
  const full = fullText(out)
  for (const key of out) why.set(key, full)
  const { part } = readMetrics(message, device, why)
  for (const problem of part.found)
    if (problem.detail.endsWith(full)) Object.assign(problem, { reason: 'PREPARE_LIMIT', detail: full })
  const { columns } = part
  if (columns.absences) columns.absences = columns.absences.filter(({ channel }) => channel === '*' || former.has(channel))
  deliver(context, message, { node: message.node, key: messageKey(message), parts: [part], broken: [], hist: message.isRetained })
  return part.found.some(({ reason }) => reason === 'PREPARE_LIMIT')
}

const fullText = (out: MetricKey[]) => `limits.channelsPerDevice is reached: ${out.length} channels are left out`

function rejectOut(context: Context, message: SparkplugMessage, device: DeviceState, out: MetricKey[]): void {
  const where = { node: message.node, device: device.name }
  reject(context, message, { reason: 'PREPARE_LIMIT', detail: fullText(out), lost: [0, 0], ...where })
}

const keyOfSkipped = ({ alias, name }: DeviceBirth['skipped'][number]) => alias ?? name ?? ''

/** Its alias or name means no channel any more. */
function forgetSkipped(device: DeviceState, { skipped }: DeviceBirth): void {
  for (const one of skipped) device.channels.delete(keyOfSkipped(one))
}

function setUnusable({ config }: Context, device: DeviceState, keys: MetricKey[]): void {
  if (keys.length === 0) delete device.unusable
  else device.unusable = new Set(keys.slice(0, config.limits.channelsPerDevice))
}

/** A birth that is replayed says what its aliases mean; that its node is there now, it does not say. */
function relearn(context: Context, message: SparkplugMessage, payload: Payload): void {
  const birth = decodeDeviceBirth(payload)
  if (birth.channels.length === 0) return
  const device = deviceOf(context.state, message.node, message.device)
  const unknown = birth.channels.filter(({ alias, channel }) => !device.channels.has(alias ?? channel.name))
  for (const one of unknown) device.unusable?.delete(keyOf(one))
  if (learnBirth(context, device, unknown).isChanged) declare(context, message.node, device)
}

/** Of a retained birth, or one that is replayed: what it declares, and its values, which have times of their own. */
export function takeBirthCopy(context: Context, message: SparkplugMessage, payload: Payload): void {
  relearn(context, message, payload)
  const birth = decodeDeviceBirth(payload)
  if (birth.declaration !== undefined || birth.channels.length + birth.skipped.length === 0) return
  const device = deviceOf(context.state, message.node, message.device)
  deliverValues(context, message, { device, birth, former: new Set(), out: [...(device.unusable ?? [])] })
}

interface Learnt {
  isChanged: boolean
  /** For which there is no room. */
  out: MetricKey[]
}

/** What a birth declares, as far as there is room. */
function learnBirth({ config }: Context, device: DeviceState, born: BornChannel[]): Learnt {
  const room = Math.max(0, config.limits.channelsPerDevice - device.channels.size)
  const fresh = new Set(born.map(keyOf).filter((key) => !device.channels.has(key)))
  if (fresh.size <= room) return { isChanged: learn(device, born), out: [] }
  const out = new Set([...fresh].slice(room))
  const kept = born.filter((one) => !out.has(keyOf(one)))
  return { isChanged: learn(device, kept), out: [...out] }
}

const keyOf = ({ alias, channel }: BornChannel) => alias ?? channel.name

/** Once a day: a reader that begins after retention took the first declaration could not scale what it reads. */
export function declareAgain(context: Context): void {
  for (const [node, { devices }] of context.state.nodes)
    for (const device of devices.values()) if (device.channels.size > 0) declare(context, node, device)
}

/** [tck-id-payloads-ndeath-bdseq] A will from an earlier connection has another bdSeq and says nothing about this one. */
export function isDeathOf(node: NodeState, payload: Payload): boolean {
  return node.online && (bdSeqOf(payload) ?? -1) === node.bdSeq
}

export function takeNodeDeath(context: Context, message: SparkplugMessage): void {
  const node = nodeOf(context.state, message.node)
  node.online = false
  for (const device of node.devices.values()) leave(context, message, device, deathReasons.node)
}

export function takeDeviceDeath(context: Context, message: SparkplugMessage, { uuid }: Payload): void {
  const { devices, isAgent, streams } = nodeOf(context.state, message.node)
  // The birth of an agent's node may have been missed.
  const isOurs = isAgent || streams > 0
  leave(
    context,
    message,
    devices.get(message.device),
    isOurs ? (parseDeathName(uuid) ?? deathReasons.agentDevice) : deathReasons.device,
  )
}

function leave(context: Context, message: SparkplugMessage, device: DeviceState | undefined, reason: string): void {
  if (!device?.online) return
  device.online = false
  const where = { f: 1, k: 'death', subject: device.name, device: device.name, node: message.node } as const
  toTimeline(context, { ...where, atMs: message.receivedMs, reason })
}
