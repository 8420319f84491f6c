/**
 * A Sparkplug message on its way to what handles it. What needs more room than there is goes no further, and the messages of a
 * node without receipts are used in the order of their `seq`.
 */
import { nodeMetrics } from '@millrace/contract'
import { decodePayload, type Payload, parseTopic, SparkplugError } from '@millrace/contract/sparkplug'
import { takeBatch } from './agents/batch.ts'
import { takeNodeEntry } from './agents/node-entry.ts'
import { takeReport } from './agents/report.ts'
import { isDeathOf, takeBirthCopy, takeDeviceBirth, takeDeviceDeath, takeNodeBirth, takeNodeDeath } from './births/births.ts'
import { type Context, reject } from './context.ts'
import { takeForeign } from './foreign/foreign.ts'
import { beginOrder, drain, endOrder, overdue, putInOrder } from './foreign/order.ts'
import { tellRebirth, wantRebirth } from './foreign/rebirths.ts'
import { hasRoom } from './limits.ts'
import { type AgentMessage, type Message, readSparkplug, type SparkplugMessage } from './message.ts'
import { identityOf, type Problem, rejectAll } from './rejections/problems.ts'
import { messageKey, setReplayable } from './replay/replayable.ts'
import { nodeOf } from './state/nodes.ts'
import { compareClocks } from './time/gateway-clocks.ts'

/** What came in. */
export function takeSparkplug(context: Context, raw: Message): void {
  const topic = parseTopic(raw.topic)
  if (!topic)
    return reject(context, raw, { reason: 'PREPARE_TOPIC', detail: `${raw.topic} is not a Sparkplug topic`, lost: [0, 0] })
  if (topic.type === 'STATE' || topic.type === 'NCMD' || topic.type === 'DCMD') return
  const message = readSparkplug(raw, topic)
  if (message.isReplay) return use(context, message)
  if (!hasRoom(context, message)) return
  if (message.isRetained) return useCopy(context, message)
  if (message.name) compareClocks(context, message)
  if (message.isOurs || topic.type === 'NBIRTH' || topic.type === 'NDEATH') return use(context, message)
  useInOrder(context, message)
}

/** It says what aliases mean and what was measured when, but not who is there now, and it has no place in the order. */
function useCopy(context: Context, message: SparkplugMessage): void {
  const { type } = message
  if (type === 'DDATA' || type === 'NDATA') return use(context, message)
  if (type === 'NDEATH' || type === 'DDEATH') return
  const payload = decode(context, message)
  if (payload) takeBirthCopy(context, message, payload)
}

function useInOrder(context: Context, message: SparkplugMessage): void {
  const { node: id, type, seq } = message
  const node = nodeOf(context.state, id)
  if (node.order && seq !== undefined) {
    // In an order a message has the time of its arrival, also one that a replay brought.
    return useAll(context, putInOrder(context, { ...message, seq, replayMs: undefined }))
  }
  // Its agent sends a birth of its own again when that was lost.
  if (!node.isAgent && type !== 'DDEATH') wantRebirth(context.state, id, `${type} without a birth of the node`)
  use(context, message)
}

/** At a tick: what waited too long is used, and rebirths are requested. */
export function closeOrders(context: Context): void {
  const { waiting, nodes } = context.state
  for (const id of waiting) {
    useAll(context, overdue(context, id))
    tellRebirth(context, id)
    const node = nodes.get(id)
    if (!node?.order?.held.length && node?.wish === undefined) waiting.delete(id)
  }
}

function useAll(context: Context, messages: SparkplugMessage[]): void {
  for (const message of messages) use(context, message)
}

/** A message whose turn it is. */
function use(context: Context, message: SparkplugMessage): void {
  const { type, name, isReport } = message
  if (isReport) return takeReport(context, message)
  if (type === 'DDATA' || type === 'NDATA') {
    if (!name) return takeForeign(context, message)
    if (type === 'DDATA') return takeBatch(context, message as AgentMessage)
  }
  const payload = decode(context, message)
  if (!payload) return
  if (type === 'NDATA') takeNodeEntry(context, message as AgentMessage, payload)
  else if (message.isReplay) useReplayed(context, message, payload)
  else useBirthOrDeath(context, message, payload)
}

/** Of a replay only what was rejected and was not replayed yet. */
function decode(context: Context, message: SparkplugMessage): Payload | undefined {
  const { state } = context
  const { node, type, isOurs } = message
  const key = messageKey(message)
  if (message.isReplay && !state.redo.has(key)) return undefined
  const problems: Problem[] = []
  const onBadMetric = (error: SparkplugError, index: number) => {
    const identity = `metric ${index}`
    problems.push({ reason: 'PREPARE_READING', detail: `${identity}: ${error.message}`, lost: [0, 0], identity })
  }
  try {
    // The metrics of a birth without a name are read again as values, and rejected with them.
    if (!isOurs && (type === 'NBIRTH' || type === 'DBIRTH')) return readBirth(message)
    const payload = decodePayload(message.payload, {}, onBadMetric)
    rejectAll(context, message, problems, { node })
    setReplayable(state, key, problems.map(identityOf))
    return payload
  } catch (error) {
    if (!(error instanceof SparkplugError)) throw error
    setReplayable(state, key, 'all')
    reject(context, message, { reason: 'PREPARE_PAYLOAD', detail: error.message, lost: [0, 0], node })
    return undefined
  }
}

function readBirth(message: SparkplugMessage): Payload {
  const bad = new Map<number, string>()
  message.bad = bad
  return decodePayload(message.payload, {}, ({ message: why }, index) => void bad.set(index, why))
}

function useReplayed(context: Context, message: SparkplugMessage, payload: Payload): void {
  if (message.type === 'NBIRTH' || message.type === 'DBIRTH') takeBirthCopy(context, message, payload)
}

function useBirthOrDeath(context: Context, message: SparkplugMessage, payload: Payload): void {
  switch (message.type) {
    case 'NBIRTH':
      return useNodeBirth(context, message, payload)
    case 'DBIRTH':
      return takeDeviceBirth(context, message, payload)
    case 'NDEATH':
      return useNodeDeath(context, message, payload)
    case 'DDEATH':
      return takeDeviceDeath(context, message, payload)
  }
}

function useNodeBirth(context: Context, message: SparkplugMessage, payload: Payload): void {
  const { state } = context
  const node = nodeOf(state, message.node)
  node.isAgent = payload.metrics.some(({ name }) => name === nodeMetrics.receipt)
  const isOrdered = !node.isAgent && payload.seq !== undefined
  useAll(context, isOrdered ? beginOrder(state, node, payload.seq!, payload.timestamp) : endOrder(state, node))
  takeNodeBirth(context, message, payload)
  useAll(context, drain(state, message))
}

function useNodeDeath(context: Context, message: SparkplugMessage, payload: Payload): void {
  const node = nodeOf(context.state, message.node)
  if (!isDeathOf(node, payload)) return
  useAll(context, endOrder(context.state, node))
  takeNodeDeath(context, message)
}
