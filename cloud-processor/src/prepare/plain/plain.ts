/** Plain MQTT devices: the first filter of the configuration that takes the topic names the codec, the devices and the channels. */

import { type Channel, type Levels, levelsOf, matches, type RejectionReason } from '@millrace/contract'
import { type Context, type Rejection, reject, toTimeline } from '../context.ts'
import { type Delivery, deliver, type Part } from '../direct.ts'
import type { Message } from '../message.ts'
import { type Problem, recordIdentity } from '../rejections/problems.ts'
import { hashOf, messageKey, setReplayable } from '../replay/replayable.ts'
import { deviceOf, learn, nodeOf } from '../state/nodes.ts'
import { bound, hashesMax, type PrepareState } from '../state/state.ts'
import { type Decoded, type DecodedDevice, labelsIn, type PayloadChannel } from './codecs/codec.ts'
import { codecOf } from './codecs/index.ts'
import type { PlainConfig } from './config.ts'

/** What the devices are under, as those of a node are. */
const plainNode = 'plain'

export function takePlain(context: Context, message: Message): void {
  const key = messageKey(message)
  if (message.isReplay && !context.state.redo.has(key)) return
  const levels = levelsOf(message.topic)
  const config = context.config.plain.find(({ filter }) => matches(levelsOf(filter), levels))
  if (!config) return rejectWhole(context, message, { reason: 'PREPARE_TOPIC', detail: `no plain filter takes ${message.topic}` })
  const decoded = decode(message, config)
  const isTimed = typeof decoded === 'string' ? codecOf(config).isTimed?.(config) : decoded.isTimed
  if (!message.isReplay && isTimed && isRepeat(context.state, message)) return
  if (typeof decoded === 'string') rejectPayload(context, message, config, decoded)
  else deliver(context, message, { node: plainNode, key, hist: false, ...partsOf(context, message, config, decoded) })
}

/** The reason, when nothing of it can be used. */
function decode({ payload, receivedMs }: Message, config: PlainConfig): Decoded | string {
  try {
    return codecOf(config).decode(payload, config, receivedMs)
  } catch (error) {
    return (error as Error).message.slice(0, 200)
  }
}

function rejectPayload(context: Context, message: Message, config: PlainConfig, why: string): void {
  const device = labelsIn(config.device).length === 0 ? nameOf(config.device, levelsOf(message.topic), {}) : undefined
  const which = device === undefined ? {} : { device }
  rejectWhole(context, message, { reason: 'PREPARE_PAYLOAD', detail: `${config.codec}: ${why}`, ...which })
}

/** Nothing of the message can be used as things are. */
function rejectWhole(context: Context, message: Message, { reason, detail, ...which }: Omit<Rejection, 'lost'>): void {
  if (message.isReplay) return
  setReplayable(context.state, messageKey(message), 'all')
  reject(context, message, { reason, detail, lost: [0, 0], ...which })
}

/** Only a payload with its times in it can be told from the next one that says the same. */
function isRepeat({ hashes }: PrepareState, { topic, payload }: Message): boolean {
  const key = hashOf(topic, payload)
  if (hashes.has(key)) return true
  hashes.add(key)
  bound(hashes, hashesMax)
  return false
}

/** By device. What has none, or no room for it, is broken. */
function partsOf(context: Context, message: Message, config: PlainConfig, decoded: Decoded): Pick<Delivery, 'parts' | 'broken'> {
  const levels = levelsOf(message.topic)
  const broken = decoded.broken.map(({ place, detail }) => brokenRecord('PREPARE_READING', place, detail))
  const parts: Part[] = []
  for (const found of decoded.devices) {
    const own = nameOf(config.device, levels, found.labels)
    const device = own === undefined ? undefined : declare(context, config, own)
    if (device !== undefined) parts.push(partOf(device, found))
    else broken.push(...placesOf(found).map((place) => withoutDevice(place, config, own)))
  }
  return { parts, broken }
}

/** Undefined when the payload says nothing that the name needs. */
function nameOf(template: string, levels: Levels, labels: Record<string, string>): string | undefined {
  if (!labelsIn(template).every((label) => Object.hasOwn(labels, label))) return undefined
  return template.replace(
    /\{([^{}]+)\}/g,
    (_, label: string) => (/^\d+$/.test(label) ? levels[Number(label)] : labels[label]) ?? '',
  )
}

function partOf(device: string, { columns, problems, places }: DecodedDevice): Part {
  return {
    device,
    columns,
    found: problems.map(({ channel, place, detail }): Problem => {
      return { reason: 'PREPARE_READING', detail, lost: [1, 0], channel, identity: `${channel}#${place}` }
    }),
    identitiesOf(channel, t) {
      const at = places.get(`${channel}@${t}`) ?? []
      return [...at.map((place) => `${channel}#${place}`), ...at.map(recordIdentity)]
    },
  }
}

function placesOf({ places, problems }: DecodedDevice): number[] {
  return [...new Set([...[...places.values()].flat(), ...problems.map(({ place }) => place)])]
}

function withoutDevice(place: number, config: PlainConfig, own: string | undefined): Problem {
  return own === undefined
    ? brokenRecord('PREPARE_READING', place, `record ${place} says nothing of ${config.device}`)
    : brokenRecord('PREPARE_LIMIT', place, `limits.plainDevices is reached: no room for ${own.slice(0, 80)}`)
}

function brokenRecord(reason: RejectionReason, place: number, detail: string): Problem {
  return { reason, detail, lost: [0, 0], identity: recordIdentity(place) }
}

/** The configuration says what the channels are; when it says something new, that is told. Undefined when there is no room for it. */
function declare(context: Context, config: PlainConfig, own: string): string | undefined {
  const { state } = context
  const { devices } = nodeOf(state, plainNode)
  if (!devices.has(own) && devices.size >= context.config.limits.plainDevices) return undefined
  const device = deviceOf(state, plainNode, own)
  const { name, channels } = device
  if (learn(device, config.channels.map(channelOf))) {
    const declared = [...channels.values()]
    toTimeline(context, { f: 1, k: 'declaration', subject: name, device: name, node: plainNode, channels: declared })
  }
  return name
}

const datatypes = { number: 'Double', text: 'String', boolean: 'Boolean' } as const

function channelOf({ name, kind, unit }: PayloadChannel): { channel: Channel } {
  return { channel: { name, kind, datatype: datatypes[kind], unit } }
}
