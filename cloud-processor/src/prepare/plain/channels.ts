/**
 * What is declared of a plain device: the channels of the configuration, or without such a list what its payloads hold. A channel
 * is of the kind of its first value, and one of another kind is rejected; at `channelsMax` new ones are.
 */
import type { Channel, Value } from '@millrace/contract'
import { ownValue } from '@millrace/platform'
import type { Context } from '../context.ts'
import { declare as tellDeclaration } from '../derived/declare.ts'
import { hasPlainRoom } from '../limits.ts'
import type { Problem } from '../rejections/problems.ts'
import { deviceOf, learn, nodeOf } from '../state/nodes.ts'
import type { DeviceState } from '../state/state.ts'
import { type DecodedDevice, isOpen, kindOf, type PayloadChannel } from './codecs/codec.ts'
import type { PlainConfig } from './entry.ts'

/** What the devices are under, as those of a node are. */
export const plainNode = 'plain'

export interface Declared {
  /** Of the device on the timeline. */
  device: string
  /** What no channel takes: it is taken out of the columns. */
  problems: Problem[]
}

export interface Named {
  own: string
  /** Whose share of the room it takes. */
  account: string
}

/** What is new is told. Undefined when there is no room for the device. */
export function declare(
  context: Context,
  config: PlainConfig,
  { own, account }: Named,
  found: DecodedDevice,
): Declared | undefined {
  const { state } = context
  const { devices } = nodeOf(state, plainNode)
  if (!devices.has(own) && !hasPlainRoom(devices, account, context.config.limits.plainDevices)) return undefined
  const device = deviceOf(state, plainNode, own)
  device.account ??= account
  const problems: Problem[] = []
  const listed = config.channels.map(channelOf)
  const others = isOpen(config) ? admit(device, config, found, problems) : []
  if (learn(device, [...listed, ...others])) tellDeclaration(context, plainNode, device)
  return { device: device.name, problems }
}

const datatypes = { number: 'Double', text: 'String', boolean: 'Boolean' } as const

function channelOf({ name, kind, unit }: PayloadChannel): { channel: Channel } {
  return { channel: { name, kind, datatype: datatypes[kind], unit } }
}

/** New channels that there is room for. What is of another kind than before, or finds no room, becomes a problem. */
function admit(device: DeviceState, config: PlainConfig, found: DecodedDevice, problems: Problem[]): { channel: Channel }[] {
  const { channels } = found.columns
  const admitted: { channel: Channel }[] = []
  for (const [name, { v }] of Object.entries(channels)) {
    if (config.channels.some((listed) => listed.name === name)) continue
    const kind = kindOf(v[0]!)
    const known = device.channels.get(name)
    if (known?.kind === kind) continue
    if (known) {
      refuse(
        found,
        name,
        (value) => ({
          reason: 'PREPARE_READING',
          detail: `${shown(value)} at "${name}" is ${kind} and was ${known.kind} before`,
        }),
        problems,
      )
    } else if (device.channels.size + admitted.length < (config.channelsMax ?? 200))
      admitted.push(channelOf({ name, path: name, kind, unit: found.units?.get(name) ?? '1' }))
    else
      refuse(
        found,
        name,
        () => ({ reason: 'PREPARE_LIMIT', detail: `channelsMax is reached: no room for ${name.slice(0, 80)}` }),
        problems,
      )
  }
  return admitted
}

const shown = (value: Value) => JSON.stringify(value).slice(0, 40)

type Why = (value: Value) => Pick<Problem, 'reason' | 'detail'>

function refuse({ columns, places }: DecodedDevice, channel: string, why: Why, problems: Problem[]): void {
  const { t, v } = ownValue(columns.channels, channel)!
  const taken = new Map<number, number>()
  for (const [k, at] of t.entries()) {
    const nth = taken.get(at) ?? 0
    taken.set(at, nth + 1)
    problems.push({ ...why(v[k]!), lost: [1, 0], channel, identity: `${channel}#${places.get(`${channel}@${at}`)?.[nth] ?? 0}` })
  }
  delete columns.channels[channel]
}
