/** Plain MQTT devices: the first filter of the configuration that takes the topic names the codec, the devices and the channels. */

import { deliver, type Part, redoKeyOf } from '../direct.ts'
import type { Taking } from '../prepare.ts'
import { type Problem, recordIdentity } from '../problems.ts'
import { hashOf, remember } from '../redo.ts'
import { deviceOf, learn, nodeOf } from '../sparkplug.ts'
import { bound, hashesMax } from '../state.ts'
import { type DecodedDevice, labelsIn } from './codecs/codec.ts'
import { codecs } from './codecs/index.ts'
import type { PlainConfig } from './config.ts'

/** What plain devices stand under, as the devices of a node do. */
const plainNode = 'plain'

export function takePlain(taking: Taking): void {
  const config = taking.config.plain.find(({ filter }) => matches(filter, taking.topic))
  const key = redoKeyOf(taking)
  if (taking.isReplay && !taking.state.redo.has(key)) return
  if (!config) return rejectWhole(taking, key, 'PREPARE_TOPIC', `no plain filter takes ${taking.topic}`)
  const levels = taking.topic.split('/')
  const decoded = decode(taking, config)
  const isTimed = typeof decoded === 'string' ? config.time !== undefined : decoded.isTimed
  if (!taking.isReplay && isTimed && isRepeat(taking)) return
  if (typeof decoded === 'string') {
    const device = labelsIn(config.device).length === 0 ? nameOf(config.device, levels, {}) : undefined
    return rejectWhole(taking, key, 'PREPARE_PAYLOAD', `${config.codec}: ${decoded}`, device)
  }
  const broken = decoded.broken.map(({ place, detail }) => brokenRecord('PREPARE_READING', place, detail))
  const parts: Part[] = []
  for (const found of decoded.devices) {
    const own = nameOf(config.device, levels, found.labels)
    const device = own === undefined ? undefined : declare(taking, config, own)
    if (device !== undefined) parts.push(partOf(device, found))
    else broken.push(...placesOf(found).map((place) => withoutDevice(place, config, own)))
  }
  deliver(taking, plainNode, parts, broken, false, key)
}

/** The reason, when nothing of it can be used. */
function decode({ payload, receivedMs }: Taking, config: PlainConfig) {
  try {
    return codecs[config.codec].decode(payload, config, receivedMs)
  } catch (error) {
    return (error as Error).message.slice(0, 200)
  }
}

/** Nothing of the message can be used as things are. */
function rejectWhole(taking: Taking, key: string, reason: string, detail: string, device?: string): void {
  if (taking.isReplay) return
  remember(taking.state, key, 'all')
  taking.reject({ reason, detail, lost: [0, 0], ...(device === undefined ? {} : { device }) })
}

/** Only a payload with its times in it can be told from the next one that says the same. */
function isRepeat({ state, topic, payload }: Taking): boolean {
  const key = hashOf(topic, payload)
  if (state.hashes.has(key)) return true
  state.hashes.add(key)
  bound(state.hashes, hashesMax)
  return false
}

/** Undefined when the payload says nothing that the name needs. */
function nameOf(template: string, levels: string[], labels: Record<string, string>): string | undefined {
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

function brokenRecord(reason: string, place: number, detail: string): Problem {
  return { reason, detail, lost: [0, 0], identity: recordIdentity(place) }
}

/** The configuration says what the channels are; when it says something new, that is told. Undefined when there is no room for it. */
function declare(taking: Taking, config: PlainConfig, device: string): string | undefined {
  const node = nodeOf(taking, plainNode)
  if (!node.devices.has(device) && node.devices.size >= taking.config.limits.plainDevices) return undefined
  const known = deviceOf(taking, node, plainNode, device)
  const born = config.channels.map(({ name, kind, unit }) => {
    const datatype = kind === 'number' ? 'Double' : kind === 'text' ? 'String' : 'Boolean'
    return { channel: { name, kind, datatype, unit } as const }
  })
  const { name, channels } = known
  if (learn(known, born))
    taking.out({ f: 1, k: 'declaration', subject: name, device: name, node: plainNode, channels: [...channels.values()] })
  return name
}

/** [MQTT-4.7] `+` is one level, `#` the rest. */
function matches(filter: string, topic: string): boolean {
  const want = filter.split('/')
  const have = topic.split('/')
  for (const [index, level] of want.entries()) {
    if (level === '#') return true
    if (index >= have.length || (level !== '+' && level !== have[index])) return false
  }
  return want.length === have.length
}
