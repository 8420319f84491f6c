/**
 * Room for what a hostile node could invent: nodes, devices, streams, stretches of numbers. A message that needs more is rejected
 * whole as PREPARE_LIMIT before it has touched anything; when the limit is raised, a replay takes it as if it came for the first time.
 */
import { inRanges } from '@millrace/contract'
import type { Taking } from './prepare.ts'
import { forget, messageKey, remember } from './redo.ts'
import type { NodeState, PrepareState } from './state.ts'

/** What a message needs. */
export interface Need {
  device?: string
  /** Of an agent. */
  entry?: { stream: string; number: number; count: number }
}

/** False when the message was rejected for want of room. */
export function hasRoom(taking: Taking, id: string, need: Need): boolean {
  const full = fullAt(taking, id, need)
  if (full === undefined) return true
  const { device, entry } = need
  remember(taking.state, limitKey(taking.topic, taking.payload, taking.receivedMs), 'all')
  taking.reject({
    reason: 'PREPARE_LIMIT',
    detail: `limits.${full} is reached`,
    lost: [entry?.count ?? 0, 0],
    node: id,
    ...(device ? { device } : {}),
  })
  return false
}

/** For what stands inside of a message that is used otherwise. */
export function hasDeviceRoom({ config }: Taking, node: NodeState, device: string): boolean {
  return node.devices.has(device) || node.devices.size < config.limits.devicesPerNode
}

/** A rejected message that is tried again had not touched anything. */
export function wasOverLimit(state: PrepareState, topic: string, payload: Uint8Array, receivedMs: number): boolean {
  return forget(state, limitKey(topic, payload, receivedMs))
}

function fullAt({ state, config: { limits } }: Taking, id: string, { device, entry }: Need): string | undefined {
  const node = state.nodes.get(id)
  if (!node && state.nodes.size >= limits.nodes) return 'nodes'
  if (node && device && !node.devices.has(device) && node.devices.size >= limits.devicesPerNode) return 'devicesPerNode'
  if (!entry || state.ended.has(entry.stream)) return undefined
  const stream = state.streams.get(entry.stream)
  if (!stream) return node && node.streams >= limits.streamsPerNode ? 'streamsPerNode' : undefined
  const { settled, floor } = stream
  if (settled.length < limits.rangesPerStream || entry.number < floor) return undefined
  const joins = [entry.number - 1, entry.number, entry.number + 1].some((number) => inRanges(settled, number))
  return joins ? undefined : 'rangesPerStream'
}

function limitKey(topic: string, payload: Uint8Array, receivedMs: number): string {
  return `limit ${messageKey(topic, payload, receivedMs)}`
}
