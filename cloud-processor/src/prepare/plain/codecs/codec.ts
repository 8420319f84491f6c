/**
 * Payload codecs of plain MQTT devices. A plug-in is a folder `x/` with `x.ts`, `x.test.ts`, `README.md`; it adds one line to
 * `index.ts`. `conformance.ts` is the contract as a test suite.
 *
 * A payload holds *records* (JSON objects, SenML records, lines), each with a place: its index. A record that cannot be read
 * harms only itself; so does a value of a record.
 */

import type { Columns, Value } from '@millrace/contract'
import { ownOr } from '@millrace/platform'
import type { z } from 'zod'
import type { TimeUnit } from '../../time/units.ts'
import { isTopicLabel, labelsOf } from '../topic-names.ts'
import type { WordsConfig } from './words.ts'

/** What the configuration says about a payload, beside the codec's own keys. */
export interface PayloadConfig extends WordsConfig {
  /** With labels in braces. */
  device: string
  /** None: every number, boolean and text of a payload becomes a channel. */
  channels: PayloadChannel[]
  /** From the topic: of a payload that is one value the channel, else what the names of channels without a list begin with. */
  channelName?: string
  /** Where in a payload what becomes a channel by itself is; it may stand beside a list. */
  root?: string | undefined
}
export interface PayloadChannel {
  name: string
  path: string
  unit: string
  kind: 'number' | 'text' | 'boolean'
}

export interface PayloadCodec<Config extends PayloadConfig = PayloadConfig> {
  /** What the configuration says in `codec`. */
  name: string
  /** A payload is one value, not many by name. */
  isOneValue?: true
  /** What `path` of a channel is, for the reference page. */
  path: string
  /** What may be in braces in `device`, beside the levels of the topic. */
  labels?: { pattern: RegExp; description: string }
  /** Its own keys, optional and described. Two codecs that have a key of the same name share its schema. */
  keys?: z.ZodRawShape
  channelKeys?: z.ZodRawShape
  /** Unit of the times that are digits; absent: ms. */
  timeUnit?(config: Config): TimeUnit
  /** Whether a payload has its times in it, even one that cannot be read. Without it: no. */
  isTimed?(config: Config): boolean
  /**
   * `receivedMs` is the time of what has none of its own; infinite for a retained copy, whose arrival says nothing of it.
   * @throws Error, with a text for people, when nothing of the payload can be used.
   */
  decode(payload: Uint8Array, config: Config, receivedMs: number): Decoded
}

export interface Decoded {
  devices: DecodedDevice[]
  /** Records of which nothing could be used. */
  broken: { place: number; detail: string }[]
  /** The payload carries the time of all that is in it: two that are equal are one that came twice. */
  isTimed: boolean
}

/** What a payload says about one device. */
export interface DecodedDevice {
  /** That a device may be named by; only those in `device`. */
  labels: Record<string, string>
  columns: Columns
  /**
   * Where in the payload each reading stood, by `<channel>@<time>`: what it is called when it is rejected, whatever the
   * configuration makes of its value and time later.
   */
  places: Map<string, number[]>
  /** UCUM, of channels without a list, where the payload says it. */
  units?: Map<string, string>
  /** Values that could not be used. */
  problems: { channel: string; place: number; detail: string }[]
}

export function startDecoded(): Decoded {
  return { devices: [], broken: [], isTimed: true }
}

/** The labels that a device's name is made of: `{tag.host}` is `tag.host`. */
export function labelsIn(device: string): string[] {
  return labelsOf(device).filter((label) => !isTopicLabel(label))
}

/** The device with these labels, of which only those in `wanted` count. */
export function createDevices(decoded: Decoded, wanted: string[]): (labels: Map<string, string>) => DecodedDevice {
  const known = new Map<string, DecodedDevice>()
  return (all) => {
    const key = wanted.length === 0 ? '' : JSON.stringify(wanted.map((label) => all.get(label)))
    let device = known.get(key)
    if (!device) {
      const has = wanted.filter((label) => all.has(label))
      const labels = Object.fromEntries(has.map((label) => [label, all.get(label)!]))
      device = { labels, columns: { channels: {}, waves: {} }, places: new Map(), problems: [] }
      known.set(key, device)
      decoded.devices.push(device)
    }
    return device
  }
}

/** The record that a reading is in, and its time. */
export interface ReadingPlace {
  place: number
  t: number
}

export function addReading({ columns, places }: DecodedDevice, { place, t }: ReadingPlace, channel: string, value: Value): void {
  const column = ownOr(columns.channels, channel, () => ({ t: [], v: [] }))
  column.t.push(t)
  column.v.push(value)
  const key = `${channel}@${t}`
  const known = places.get(key)
  if (known) known.push(place)
  else places.set(key, [place])
}

/** What a channel of this kind holds for the value; undefined when it cannot. A number is finite: `1e999` is valid JSON. */
export function fit(kind: PayloadChannel['kind'], value: unknown): Value | undefined {
  if (kind === 'text' && typeof value === 'bigint') return `${value}`
  const isGood = typeof value === types[kind] && (kind !== 'number' || Number.isFinite(value))
  return isGood ? (value as Value) : undefined
}

const types = { number: 'number', text: 'string', boolean: 'boolean' } as const

/** Whether what no list names becomes a channel. */
export function isOpen({ channels, root }: PayloadConfig): boolean {
  return channels.length === 0 || root !== undefined
}

export function kindOf(value: Value): PayloadChannel['kind'] {
  if (typeof value === 'number') return 'number'
  return typeof value === 'string' ? 'text' : 'boolean'
}

/** A value that names its channel itself. Its kind is that of the first one in the payload. */
export function addOpen(device: DecodedDevice, where: ReadingPlace, channel: string, value: unknown): void {
  if (value === null || value === undefined) return
  const { channels } = device.columns
  const first = Object.hasOwn(channels, channel) ? channels[channel]!.v[0]! : value
  const kind = typeof first === 'bigint' ? 'number' : kindOf(first as Value)
  const fitted = fit(kind, value)
  const detail = nameFault(channel) ?? (fitted === undefined ? misfitText(kind, value, channel) : undefined)
  if (detail === undefined) addReading(device, where, channel, fitted!)
  else device.problems.push({ channel: channel.slice(0, 80), place: where.place, detail })
}

const nameLengthMax = 200

function nameFault(channel: string): string | undefined {
  const isGood = channel !== '' && channel !== '__proto__' && channel.length <= nameLengthMax
  return isGood ? undefined : `"${channel.slice(0, 40)}" cannot be the name of a channel`
}

/** Why it cannot; undefined when it can. */
export function misfit(kind: PayloadChannel['kind'], value: unknown, path: string): string | undefined {
  return fit(kind, value) === undefined ? misfitText(kind, value, path) : undefined
}

export function misfitText(kind: PayloadChannel['kind'], value: unknown, path: string): string {
  if (kind === 'number' && typeof value === 'bigint') return `${shown(value)} at "${path}" is beyond 2^53 - 1`
  return `${shown(value)} at "${path}" is not a ${kind}`
}

function shown(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return `${value}`.slice(0, 80)
  return JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? `${part}` : part))?.slice(0, 40) ?? 'a value'
}

/** @throws Error saying that none of the configured paths is in the payload: its readings must not vanish without a word. */
export function nothingFound(config: PayloadConfig): never {
  throw new Error(`there is nothing at ${config.channels.map(({ path }) => `"${path}"`).join(', ')}`)
}
