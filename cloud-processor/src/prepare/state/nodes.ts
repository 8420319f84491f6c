/** Nodes and their devices, made when they are named first. */
import type { Channel } from '@millrace/contract'
import type { DeviceState, NodeState, PrepareState } from './state.ts'

export function nodeOf({ nodes }: PrepareState, id: string): NodeState {
  let node = nodes.get(id)
  if (!node) {
    node = { online: false, bdSeq: -1, devices: new Map(), streams: 0 }
    nodes.set(id, node)
  }
  return node
}

/** The device under its name on the timeline: its own, unless another node had that name first. */
export function deviceOf(state: PrepareState, id: string, device: string): DeviceState {
  const { devices } = nodeOf(state, id)
  let known = devices.get(device)
  if (!known) {
    const own = device === '' ? id : device
    const owner = state.owners.get(own) ?? id
    const name = owner === id ? own : `${id}:${own}`
    state.owners.set(own, owner)
    known = { name, online: false, channels: new Map() }
    devices.set(device, known)
  }
  return known
}

/** By its name on the timeline. */
export function deviceNamed({ nodes }: PrepareState, id: string, name: string): DeviceState | undefined {
  for (const device of nodes.get(id)?.devices.values() ?? []) if (device.name === name) return device
  return undefined
}

/** An alias keeps its channel; a foreign node may declare another. True when something was learnt. */
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
