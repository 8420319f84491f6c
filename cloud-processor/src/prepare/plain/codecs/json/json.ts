/**
 * JSON payloads: one object, or an array of objects, each one measurement. Values and the time are taken by dotted paths.
 * Lists of {name, value} are read by `pairs`: a pair is an object with that name. Without a list of channels, or with `root`, every
 * number, boolean and text becomes a channel, named by its path.
 *
 * A channel that is absent from an object, or null, gives neither a reading nor an error; but a payload in which no channel is to be found
 * at all is refused: its readings must not vanish without a word.
 */
import { z } from 'zod'
import { precision, readTime, zone } from '../../times/payload-time.ts'
import {
  addOpen,
  addReading,
  createDevices,
  type DecodedDevice,
  fit,
  isOpen,
  misfitText,
  nothingFound,
  type PayloadCodec,
  type PayloadConfig,
  type ReadingPlace,
  startDecoded,
} from '../codec.ts'
import { parseExactly } from '../exact.ts'
import { at, eachLeaf, own } from '../paths.ts'
import { meaningOf } from '../words.ts'

const keys = {
  time: z.string().optional().describe('where the time is (epoch, RFC 3339 or ISO 8601); absent: time of arrival'),
  precision,
  zone,
  root: z
    .string()
    .optional()
    .describe('path below which every value becomes a channel, also beside a list of channels; absent: the whole'),
  omit: z.array(z.string()).optional().describe('paths that become no channel, with what is below them'),
  pairs: z
    .strictObject({
      list: z.string().optional().describe('path of the list; absent: the payload'),
      name: z.string().describe('path of the name in a pair'),
      value: z.string().describe('path of the value in a pair'),
    })
    .optional()
    .describe('a payload that is a list of names and values; the time may be in each pair or beside the list'),
}
type JsonConfig = PayloadConfig & z.infer<z.ZodObject<typeof keys>>

export const json: PayloadCodec<JsonConfig> = {
  name: 'json',
  path: '`vitals.hr`, `$` is the whole',
  keys,
  timeUnit: ({ precision = 'ms' }) => precision,
  isTimed: ({ time }) => time !== undefined,
  decode,
}

function decode(payload: Uint8Array, config: JsonConfig, receivedMs: number) {
  const parsed = parseExactly(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  const decoded = startDecoded()
  decoded.isTimed = config.time !== undefined
  const device = createDevices(decoded, [])(new Map())
  const items = config.pairs ? listIn(parsed, config.pairs) : Array.isArray(parsed) ? parsed : [parsed]
  const isSelfDescribing = isOpen(config)
  let isAnyFound = items.length === 0 || isSelfDescribing
  for (const [place, item] of items.entries()) {
    const object = config.pairs ? namedValue(item, config.pairs) : item
    if (config.pairs && object === undefined) {
      decoded.broken.push({ place, detail: `pair ${place} has no text at "${config.pairs.name}" that names it` })
      continue
    }
    const t = timeOf(item, parsed, config, receivedMs)
    const target = { device, where: { place, t: typeof t === 'number' ? t : 0 }, fault: typeof t === 'string' ? t : undefined }
    if (takeListed(target, object, config)) isAnyFound = true
    if (isSelfDescribing) takeOthers(target, object, config)
  }
  return isAnyFound || decoded.broken.length > 0 ? decoded : nothingFound(config)
}

interface Target {
  device: DecodedDevice
  where: ReadingPlace
  /** Why there is no time. */
  fault: string | undefined
}

/** @throws Error when there is no list. */
function listIn(parsed: unknown, { list = '$' }: NonNullable<JsonConfig['pairs']>): unknown[] {
  const found = at(parsed, list)
  if (!Array.isArray(found)) throw new Error(`there is no list at "${list}"`)
  return found
}

/** A pair as an object with that name. */
function namedValue(pair: unknown, { name, value }: NonNullable<JsonConfig['pairs']>): unknown {
  const called = at(pair, name)
  return typeof called === 'string' ? Object.fromEntries([[called, at(pair, value)]]) : undefined
}

/** False when no channel is to be found. */
function takeListed({ device, where, fault }: Target, object: unknown, config: JsonConfig): boolean {
  let isAnyFound = false
  for (const { name, path, kind } of config.channels) {
    const value = meaningOf(config.pairs ? own(object, path) : at(object, path), config)
    if (value !== undefined) isAnyFound = true
    if (value === undefined || value === null) continue
    const fitted = fault === undefined ? fit(kind, value) : undefined
    if (fitted !== undefined) addReading(device, where, name, fitted)
    else device.problems.push({ channel: name, place: where.place, detail: fault ?? misfitText(kind, value, path) })
  }
  return isAnyFound
}

function takeOthers({ device, where, fault }: Target, object: unknown, config: JsonConfig): void {
  const { channelName, root = '$', time, omit = [] } = config
  const prefix = channelName === undefined ? '' : `${channelName}.`
  const nameOf = (path: string | undefined) => (path === undefined ? (channelName ?? 'value') : prefix + path)
  const problem = (path: string | undefined, detail: string) =>
    device.problems.push({ channel: nameOf(path), place: where.place, detail })
  eachLeaf(at(object, root), {
    omit: new Set(time === undefined ? omit : [...omit, time]),
    take(path, found) {
      if (fault === undefined) addOpen(device, where, nameOf(path), meaningOf(found, config))
      else problem(path, fault)
    },
    tooDeep: (path) => problem(path, `"${path.slice(0, 80)}" is nested too deep`),
  })
}

/** Of a pair its own, or the one beside the list; or why there is none. */
function timeOf(item: unknown, whole: unknown, config: JsonConfig, receivedMs: number): number | string {
  const { time } = config
  if (time === undefined) return receivedMs
  const value = at(item, time) ?? (config.pairs ? at(whole, time) : undefined)
  if (value === undefined) return `there is no time at "${time}"`
  const t = readTime(value, config)
  return typeof t === 'number' ? t : `time at "${time}"${t.startsWith('is ') ? ' ' : ': '}${t}`
}
