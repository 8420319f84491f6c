/** Births and deaths: who is there and what its aliases mean. Data goes on to agent.ts or direct.ts by its name; order.ts puts that of nodes without receipts in order. */
import { type Channel, nodeMetrics, parseBatchName, parseBirthName } from '@millrace/contract'
import {
  type BornChannel,
  bdSeqOf,
  decodeDeviceBirth,
  decodePayload,
  type Payload,
  parseTopic,
  peek,
  SparkplugError,
  type SparkplugTopic,
  type StateTopic,
} from '@millrace/contract/sparkplug'
import { takeBatch, takeNodeEntry } from './agent.ts'
import { redoKeyOf, takeBirthValues, takeForeign } from './direct.ts'
import { compareClocks } from './gateway-clocks.ts'
import { hasRoom } from './limits.ts'
import { beginOrder, drain, endOrder, putInOrder, wish } from './order.ts'
import type { Taking } from './prepare.ts'
import { type Problem, rejectAll } from './problems.ts'
import { remember } from './redo.ts'
import type { DeviceState, NodeState } from './state.ts'

/** What came in: what needs more room than there is goes no further, and a node without receipts is put in order. */
export function takeSparkplug(taking: Taking): void {
  const { state, config, isReplay } = taking
  const topic = parseTopic(taking.topic)
  if (!topic) return taking.reject({ reason: 'PREPARE_TOPIC', detail: `${taking.topic} is no Sparkplug topic`, lost: [0, 0] })
  if (topic.type === 'STATE' || topic.type === 'NCMD' || topic.type === 'DCMD') return
  const id = `${topic.group}/${topic.node}`
  const { uuid, seq, timestamp } = peek(taking.payload) ?? {}
  const entry = parseBatchName(uuid)
  if (!isReplay && !hasRoom(taking, id, { device: topic.device, entry })) return
  const isOurs = entry !== undefined || parseBirthName(uuid) !== undefined
  if (isOurs && !isReplay && timestamp !== undefined) compareClocks(taking, id, timestamp)
  if (isReplay || isOurs || topic.type === 'NBIRTH' || topic.type === 'NDEATH') return useSparkplug(taking)
  const node = nodeOf(taking, id)
  if (node.order && seq !== undefined) {
    const { payload, receivedMs } = taking
    return putInOrder(state, config, id, { topic: taking.topic, payload, receivedMs, seq, sentMs: timestamp ?? 0 }, taking.use)
  }
  // Its agent tells a birth of its own again when that was lost.
  if (!node.isAgent && topic.type !== 'DDEATH') wish(state, id, node, `${topic.type} without a birth of the node`)
  useSparkplug(taking)
}

/** A message whose turn it is. */
export function useSparkplug(taking: Taking): void {
  const topic = parseTopic(taking.topic) as Exclude<SparkplugTopic, StateTopic>
  const node = `${topic.group}/${topic.node}`
  const device = topic.device ?? ''
  const name = parseBatchName(peek(taking.payload)?.uuid)
  const isData = topic.type === 'DDATA' || topic.type === 'NDATA'
  if (name && topic.type === 'DDATA') return takeBatch(taking, node, device, name)
  if (isData && !name) return takeForeign(taking, node, device)
  const payload = decode(taking, node)
  if (!payload) return
  if (taking.isReplay && !isData) return relearn(taking, node, topic.type, device, payload)
  switch (topic.type) {
    case 'NBIRTH':
      return takeNodeBirth(taking, node, payload)
    case 'DBIRTH':
      return takeDeviceBirth(taking, node, device, payload)
    case 'NDEATH':
      return takeNodeDeath(taking, node, payload)
    case 'DDEATH':
      return leave(taking, nodeOf(taking, node), node, device, 'device death')
    case 'NDATA':
      return takeNodeEntry(taking, node, name!, payload)
  }
}

/** Of a replay only what was rejected and not yet made good. */
function decode(taking: Taking, node: string): Payload | undefined {
  const key = redoKeyOf(taking)
  if (taking.isReplay && !taking.state.redo.has(key)) return undefined
  const problems: Problem[] = []
  const onBadMetric = (error: SparkplugError, index: number) => {
    const identity = `metric ${index}`
    problems.push({ reason: 'PREPARE_READING', detail: `${identity}: ${error.message}`, lost: [0, 0], identity })
  }
  try {
    const payload = decodePayload(taking.payload, {}, onBadMetric)
    rejectAll(taking, problems, { node })
    remember(
      taking.state,
      key,
      problems.map(({ identity }) => identity),
    )
    return payload
  } catch (error) {
    if (!(error instanceof SparkplugError)) throw error
    remember(taking.state, key, 'all')
    taking.reject({ reason: 'PREPARE_PAYLOAD', detail: error.message, lost: [0, 0], node })
    return undefined
  }
}

/** A birth that is tried again says what its aliases mean; that its node is there now, it does not say. */
function relearn(taking: Taking, id: string, type: string, device: string, payload: Payload): void {
  if (type !== 'DBIRTH' && type !== 'NBIRTH') return
  const birth = decodeDeviceBirth(payload)
  if (birth.channels.length === 0) return
  const known = deviceOf(taking, nodeOf(taking, id), id, device)
  const unknown = birth.channels.filter(({ alias, channel }) => !known.channels.has(alias ?? channel.name))
  if (!learnBirth(taking, id, known, unknown)) return
  taking.out({ f: 1, k: 'declaration', subject: known.name, device: known.name, node: id, channels: newest(known) })
}

/** A foreign node may have metrics of its own, which are a device called like the node. */
function takeNodeBirth(taking: Taking, id: string, payload: Payload): void {
  const node = nodeOf(taking, id)
  node.isAgent = payload.metrics.some(({ name }) => name === nodeMetrics.receipt)
  if (node.isAgent || payload.seq === undefined) endOrder(taking.state, node, taking.use)
  else beginOrder(taking.state, node, payload.seq, payload.timestamp, taking.use)
  node.online = true
  node.bdSeq = bdSeqOf(payload) ?? -1
  if (decodeDeviceBirth(payload).channels.length > 0) takeDeviceBirth(taking, id, '', payload)
  drain(taking.state, id, taking.receivedMs, taking.use)
}

function takeDeviceBirth(taking: Taking, id: string, device: string, payload: Payload): void {
  const node = nodeOf(taking, id)
  const birth = decodeDeviceBirth(payload)
  const known = deviceOf(taking, node, id, device)
  const isChanged = learnBirth(taking, id, known, birth.channels)
  const where = { f: 1 as const, subject: known.name, device: known.name, node: id }
  if (isChanged) taking.out({ ...where, k: 'declaration', channels: newest(known) })
  if (!known.online) taking.out({ ...where, k: 'birth', atMs: taking.receivedMs, reason: 'device birth' })
  known.online = true
  node.online = true
  if (birth.declaration === undefined) takeBirthValues(taking, id, known, birth.channels)
}

/** What a birth declares, as far as there is room. */
function learnBirth(taking: Taking, id: string, known: DeviceState, channels: BornChannel[]): boolean {
  const { channelsPerDevice } = taking.config.limits
  const fresh = new Set(channels.map(({ alias, channel }) => alias ?? channel.name).filter((key) => !known.channels.has(key)))
  const room = Math.max(0, channelsPerDevice - known.channels.size)
  if (fresh.size <= room) return learn(known, channels)
  const out = new Set([...fresh].slice(room))
  const detail = `limits.channelsPerDevice is reached: ${out.size} channels are left out`
  taking.reject({ reason: 'PREPARE_LIMIT', detail, lost: [0, 0], node: id, device: known.name })
  return learn(
    known,
    channels.filter(({ alias, channel }) => !out.has(alias ?? channel.name)),
  )
}

/** An alias means one channel for ever; a foreign node may declare one anew. True when something was learnt. */
export function learn(device: DeviceState, channels: { alias?: number; channel: Channel }[]): boolean {
  let isChanged = false
  for (const { alias, channel } of channels) {
    const key = alias ?? channel.name
    if (JSON.stringify(device.channels.get(key)) === JSON.stringify(channel)) continue
    device.channels.delete(key)
    device.channels.set(key, channel)
    isChanged = true
  }
  return isChanged
}

/** One channel for each name, the last declared. */
export function newest(device: DeviceState): Channel[] {
  return [...new Map([...device.channels.values()].map((channel) => [channel.name, channel])).values()]
}

/** [tck-id-payloads-ndeath-bdseq] A will from an earlier connection has another bdSeq and says nothing about this one. */
function takeNodeDeath(taking: Taking, id: string, payload: Payload): void {
  const node = nodeOf(taking, id)
  if (!node.online || (bdSeqOf(payload) ?? -1) !== node.bdSeq) return
  endOrder(taking.state, node, taking.use)
  node.online = false
  for (const device of node.devices.keys()) leave(taking, node, id, device, 'node death')
}

function leave(taking: Taking, node: NodeState, id: string, device: string, reason: string): void {
  const known = node.devices.get(device)
  if (!known?.online) return
  known.online = false
  taking.out({ f: 1, k: 'death', subject: known.name, device: known.name, node: id, atMs: taking.receivedMs, reason })
}

export function nodeOf({ state }: Taking, id: string): NodeState {
  let node = state.nodes.get(id)
  if (!node) {
    node = { online: false, bdSeq: -1, devices: new Map(), streams: 0 }
    state.nodes.set(id, node)
  }
  return node
}

/** The device under its name on the timeline: its own, unless another node had that name first. */
export function deviceOf({ state }: Taking, node: NodeState, id: string, device: string): DeviceState {
  let known = node.devices.get(device)
  if (!known) {
    const own = device === '' ? id : device
    const owner = state.owners.get(own) ?? id
    const name = owner === id ? own : `${id}:${own}`
    state.owners.set(own, owner)
    known = { name, online: false, channels: new Map() }
    node.devices.set(device, known)
  }
  return known
}
