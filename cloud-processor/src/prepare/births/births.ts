/** Who is there, and what its aliases mean: births and deaths of nodes and devices, of agents and others. */
import { type Columns, deathReasons } from '@millrace/contract'
import { type BornChannel, bdSeqOf, decodeDeviceBirth, type Payload } from '@millrace/contract/sparkplug'
import { type Context, reject, toTimeline } from '../context.ts'
import { deliver } from '../direct.ts'
import type { SparkplugMessage } from '../message.ts'
import { byAlias } from '../rejections/problems.ts'
import { messageKey } from '../replay/replayable.ts'
import { deviceOf, learn, newest, nodeOf } from '../state/nodes.ts'
import type { DeviceState, NodeState } from '../state/state.ts'

/** A foreign node may have metrics of its own, which are a device called like the node. */
export function takeNodeBirth(context: Context, message: SparkplugMessage, payload: Payload): void {
  const node = nodeOf(context.state, message.node)
  node.online = true
  node.bdSeq = bdSeqOf(payload) ?? -1
  if (decodeDeviceBirth(payload).channels.length > 0) takeDeviceBirth(context, message, payload)
}

export function takeDeviceBirth(context: Context, message: SparkplugMessage, payload: Payload): void {
  const { node, receivedMs } = message
  const birth = decodeDeviceBirth(payload)
  const device = deviceOf(context.state, node, message.device)
  const isChanged = learnBirth(context, message, device, birth.channels)
  const where = { f: 1, subject: device.name, device: device.name, node } as const
  if (isChanged) toTimeline(context, { ...where, k: 'declaration', channels: newest(device) })
  if (!device.online) toTimeline(context, { ...where, k: 'birth', atMs: receivedMs, reason: 'device birth' })
  device.online = true
  nodeOf(context.state, node).online = true
  if (birth.declaration === undefined) deliverValues(context, message, device, birth.channels)
}

/** Birth values of our own agents are state; those of a foreign node are readings. */
function deliverValues(context: Context, message: SparkplugMessage, device: DeviceState, born: BornChannel[]): void {
  const columns: Columns = { channels: {}, waves: {} }
  for (const { channel, last } of born) if (last) columns.channels[channel.name] = { t: [last.t], v: [last.v] }
  const parts = [{ device: device.name, columns, found: [], identitiesOf: byAlias(device.channels) }]
  deliver(context, message, { node: message.node, key: messageKey(message), parts, broken: [], hist: message.isRetained })
}

/** A birth that is replayed says what its aliases mean; that its node is there now, it does not say. */
export function relearn(context: Context, message: SparkplugMessage, payload: Payload): void {
  const birth = decodeDeviceBirth(payload)
  if (birth.channels.length === 0) return
  const device = deviceOf(context.state, message.node, message.device)
  const unknown = birth.channels.filter(({ alias, channel }) => !device.channels.has(alias ?? channel.name))
  if (learnBirth(context, message, device, unknown)) declare(context, message.node, device)
}

/** Of a retained birth: its values have times of their own. */
export function takeBirthCopy(context: Context, message: SparkplugMessage, payload: Payload): void {
  relearn(context, message, payload)
  const birth = decodeDeviceBirth(payload)
  if (birth.declaration !== undefined || birth.channels.length === 0) return
  deliverValues(context, message, deviceOf(context.state, message.node, message.device), birth.channels)
}

/** What a birth declares, as far as there is room. */
function learnBirth(context: Context, message: SparkplugMessage, device: DeviceState, born: BornChannel[]): boolean {
  const room = Math.max(0, context.config.limits.channelsPerDevice - device.channels.size)
  const fresh = new Set(born.map(keyOf).filter((key) => !device.channels.has(key)))
  if (fresh.size <= room) return learn(device, born)
  const out = new Set([...fresh].slice(room))
  const detail = `limits.channelsPerDevice is reached: ${out.size} channels are left out`
  reject(context, message, { reason: 'PREPARE_LIMIT', detail, lost: [0, 0], node: message.node, device: device.name })
  return learn(
    device,
    born.filter((one) => !out.has(keyOf(one))),
  )
}

const keyOf = ({ alias, channel }: BornChannel) => alias ?? channel.name

function declare(context: Context, node: string, device: DeviceState): void {
  const { name } = device
  toTimeline(context, { f: 1, k: 'declaration', subject: name, device: name, node, channels: newest(device) })
}

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

export function takeDeviceDeath(context: Context, message: SparkplugMessage): void {
  const { devices, isAgent, streams } = nodeOf(context.state, message.node)
  // The birth of an agent's node may have been missed.
  const isOurs = isAgent || streams > 0
  leave(context, message, devices.get(message.device), isOurs ? deathReasons.agentDevice : deathReasons.device)
}

function leave(context: Context, message: SparkplugMessage, device: DeviceState | undefined, reason: string): void {
  if (!device?.online) return
  device.online = false
  const where = { f: 1, k: 'death', subject: device.name, device: device.name, node: message.node } as const
  toTimeline(context, { ...where, atMs: message.receivedMs, reason })
}
