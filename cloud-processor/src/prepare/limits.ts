/**
 * Room for what a hostile node could invent: nodes, devices, streams, stretches of numbers. A message that needs more is rejected
 * whole as PREPARE_LIMIT before it has touched anything; when the limit is raised, a replay takes it as if it came for the first time.
 */
import { type BatchName, inRanges } from '@millrace/contract'
import { hasFairRoom } from '@millrace/platform'
import { type Context, reject } from './context.ts'
import type { Message, SparkplugMessage } from './message.ts'
import { forgetReplayable, messageKey, setReplayable } from './replay/replayable.ts'
import type { DeviceState, NodeState, PrepareState } from './state/state.ts'

/** False when the message was rejected because there is no room for it. */
export function hasRoom(context: Context, message: SparkplugMessage): boolean {
  const full = fullAt(context, message)
  if (full === undefined) return true
  const { node, device, name } = message
  setReplayable(context.state, limitKey(message), 'all')
  reject(context, message, {
    reason: 'PREPARE_LIMIT',
    detail: `limits.${full} is reached`,
    lost: [name?.count ?? 0, 0],
    node,
    ...(device === '' ? {} : { device }),
  })
  return false
}

/** For the devices inside a message that is used otherwise. */
export function hasDeviceRoom({ config }: Context, { devices }: NodeState, device: string): boolean {
  return devices.has(device) || devices.size < config.limits.devicesPerNode
}

/** For one more plain device. What one account invents leaves room for those of others. */
export function hasPlainRoom(devices: Map<string, DeviceState>, account: string, max: number): boolean {
  if (devices.size < max) return true
  const counts = countByAccount(devices)
  const own = counts.get(account) ?? 0
  return hasFairRoom({ max, used: devices.size, own, sharers: counts.size + (own === 0 ? 1 : 0) })
}

/** Counted when devices were added, which past the limit is seldom. */
const counted = new WeakMap<Map<string, DeviceState>, { size: number; counts: Map<string, number> }>()

function countByAccount(devices: Map<string, DeviceState>): Map<string, number> {
  const known = counted.get(devices)
  if (known?.size === devices.size) return known.counts
  const counts = new Map<string, number>()
  for (const { account = '' } of devices.values()) counts.set(account, (counts.get(account) ?? 0) + 1)
  counted.set(devices, { size: devices.size, counts })
  return counts
}

/** A message that was rejected for its limit and is replayed has not touched anything. */
export function wasOverLimit(state: PrepareState, message: Message): boolean {
  return forgetReplayable(state, limitKey(message))
}

function fullAt(context: Context, { node: id, device, name }: SparkplugMessage): string | undefined {
  const { state, config } = context
  const node = state.nodes.get(id)
  if (!node && state.nodes.size >= config.limits.nodes) return 'nodes'
  if (node && device !== '' && !hasDeviceRoom(context, node, device)) return 'devicesPerNode'
  return name && fullStreamAt(context, node, name)
}

function fullStreamAt({ state, config: { limits } }: Context, node: NodeState | undefined, name: BatchName): string | undefined {
  if (state.ended.has(name.stream)) return undefined
  const stream = state.streams.get(name.stream)
  if (!stream) return node && node.streams >= limits.streamsPerNode ? 'streamsPerNode' : undefined
  const { settled, floor } = stream
  if (settled.length < limits.rangesPerStream || name.number < floor) return undefined
  const joins = [name.number - 1, name.number, name.number + 1].some((number) => inRanges(settled, number))
  return joins ? undefined : 'rangesPerStream'
}

function limitKey(message: Message): string {
  return `limit ${messageKey(message)}`
}
