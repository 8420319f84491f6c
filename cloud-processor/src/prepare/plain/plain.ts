/** Plain MQTT devices: the first filter of the configuration that takes the topic names the codec, the devices and the channels. */

import { countReadings, type RejectionReason } from '@millrace/contract'
import { type Context, type Rejection, reject } from '../context.ts'
import { type Delivery, deliver, type Part } from '../direct.ts'
import { noTime, tellLastKnown } from '../last-known.ts'
import type { Message } from '../message.ts'
import { type Problem, recordIdentity } from '../rejections/problems.ts'
import { hashOf, messageKey, setReplayable } from '../replay/replayable.ts'
import { bound, hashesMax, type PrepareState } from '../state/state.ts'
import type { TimeUnit } from '../time/units.ts'
import { type Declared, declare, plainNode } from './channels.ts'
import { type Decoded, type DecodedDevice, labelsIn } from './codecs/codec.ts'
import { codecOf } from './codecs/index.ts'
import type { PlainConfig } from './entry.ts'
import { isRedelivery } from './redelivery.ts'
import { type Route, routeOf } from './routes.ts'
import { nameFrom } from './topic-names.ts'

export function takePlain(context: Context, message: Message): void {
  if (!message.isReplay && isRedelivery(context.state, message)) return
  const key = messageKey(message)
  if (message.isReplay && !context.state.redo.has(key)) return
  const route = routeOf(context.config.plain, message.topic)
  if (route === 'ignored') return setReplayable(context.state, key, [])
  if (!route) return rejectWhole(context, message, { reason: 'PREPARE_TOPIC', detail: `no plain filter takes ${message.topic}` })
  const { config } = route
  const decoded = decode(message, route)
  const isTimed = typeof decoded === 'string' ? codecOf(config).isTimed?.(config) : decoded.isTimed
  const isAgain = !message.isReplay && (isTimed || message.isRetained) && isRepeat(context.state, message)
  if (isAgain && !message.isRetained) return
  const found = typeof decoded === 'string' ? undefined : partsOf(context, route, decoded)
  if (found && message.isRetained) found.parts = found.parts.filter((part) => hasTimed(context, message, part))
  if (isAgain) return
  if (found) deliver(context, message, { node: plainNode, key, hist: false, ...found })
  else rejectPayload(context, message, route, decoded as string)
}

/** Of a retained copy, what has no time is told as last known. False when nothing is left to be delivered. */
function hasTimed(context: Context, message: Message, { device, columns, found }: Part): boolean {
  tellLastKnown(context, message, device, columns)
  return found.length > 0 || countReadings(columns) > 0
}

/** The reason, when nothing of it can be used. */
function decode({ payload, receivedMs, isRetained }: Message, { config, topic }: Route): Decoded | string {
  const { channel } = config
  try {
    const given = channel === undefined ? config : { ...config, channelName: nameFrom(channel, topic) }
    return codecOf(config).decode(payload, given, isRetained ? noTime : receivedMs)
  } catch (error) {
    return (error as Error).message.slice(0, 200)
  }
}

function rejectPayload(context: Context, message: Message, { config, topic }: Route, why: string): void {
  const device = labelsIn(config.device).length === 0 ? nameFrom(config.device, topic) : undefined
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
function partsOf(context: Context, route: Route, decoded: Decoded): Pick<Delivery, 'parts' | 'broken'> {
  const { config } = route
  const broken = decoded.broken.map(({ place, detail }) => brokenRecord('PREPARE_READING', place, detail))
  const parts: Part[] = []
  for (const found of decoded.devices) {
    const own = nameOf(route, found.labels)
    const declared = own === undefined ? undefined : declare(context, config, { own, account: accountOf(route) }, found)
    if (declared) parts.push(partOf(declared, found, codecOf(config).timeUnit?.(config)))
    else broken.push(...placesOf(found).map((place) => withoutDevice(place, config, own)))
  }
  return { parts, broken }
}

/**
 * Devices of one account share room: the topic up to the first wildcard of its filter, below which an account of the broker may
 * publish; with a template two levels.
 */
function accountOf({ config: { filter }, topic: { levels } }: Route): string {
  const wild = filter?.split('/').findIndex((level) => level === '+' || level === '#') ?? 1
  return levels.slice(0, wild < 0 ? undefined : wild + 1).join('/')
}

/** Undefined when the payload says nothing that the name needs. */
function nameOf({ config, topic }: Route, labels: Record<string, string>): string | undefined {
  const hasAll = labelsIn(config.device).every((label) => Object.hasOwn(labels, label))
  return hasAll ? nameFrom(config.device, topic, labels) : undefined
}

function partOf(declared: Declared, { columns, problems, places }: DecodedDevice, timeUnit?: TimeUnit): Part {
  const found = problems.map(({ channel, place, detail }): Problem => {
    return { reason: 'PREPARE_READING', detail, lost: [1, 0], channel, identity: `${channel}#${place}` }
  })
  return {
    device: declared.device,
    columns,
    found: [...found, ...declared.problems],
    ...(timeUnit === undefined ? {} : { timeUnit }),
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
