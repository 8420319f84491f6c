/**
 * JSON payloads: one object, or an array of objects, each one measurement. Values and the time are taken by dotted paths.
 * Lists of {name, value} are read by `pairs`: a pair is an object with that name. Without a list of channels, or with `root`, every
 * number, boolean and text becomes a channel, named by its path.
 *
 * A channel that is absent from an object, or null, is no reading and no error; but a payload in which no channel is to be found
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
  startDecoded,
} from '../codec.ts'
import { parseExactly } from '../exact.ts'
import { at, eachLeaf } from '../paths.ts'
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
  const records = config.pairs ? pairsOf(parsed, config.pairs) : recordsOf(parsed)
  let isAnyFound = records.length === 0 || isOpen(config)
  for (const [place, record] of records.entries()) {
    if (config.pairs && record.object === undefined) {
      decoded.broken.push({ place, detail: `pair ${place} has no text at "${config.pairs.name}" that names it` })
      continue
    }
    const t = timeOf(record, config, receivedMs)
    if (takeListed({ device, place, t }, record, config)) isAnyFound = true
    if (isOpen(config)) takeOthers({ device, place, t }, record, config)
  }
  return isAnyFound || decoded.broken.length > 0 ? decoded : nothingFound(config)
}

/** One measurement. */
interface JsonRecord {
  object: unknown
  /** Where its time may be, the first that has it. */
  timed: unknown[]
}

interface Target {
  device: DecodedDevice
  place: number
  /** Or why there is none. */
  t: number | string
}

function recordsOf(parsed: unknown): JsonRecord[] {
  return (Array.isArray(parsed) ? parsed : [parsed]).map((object) => ({ object, timed: [object] }))
}

/** @throws Error when there is no list. */
function pairsOf(parsed: unknown, { list = '$', name, value }: NonNullable<JsonConfig['pairs']>): JsonRecord[] {
  const pairs = at(parsed, list)
  if (!Array.isArray(pairs)) throw new Error(`there is no list at "${list}"`)
  return pairs.map((pair) => {
    const called = at(pair, name)
    return {
      object: typeof called === 'string' ? Object.fromEntries([[called, at(pair, value)]]) : undefined,
      timed: [pair, parsed],
    }
  })
}

/** False when no channel is to be found. */
function takeListed({ device, place, t }: Target, { object }: JsonRecord, config: JsonConfig): boolean {
  let isAnyFound = false
  for (const { name, path, kind } of config.channels) {
    const value = meaningOf(at(object, path), config)
    if (value !== undefined) isAnyFound = true
    if (value === undefined || value === null) continue
    const fitted = typeof t === 'string' ? undefined : fit(kind, value)
    if (typeof t === 'number' && fitted !== undefined) addReading(device, { place, t }, name, fitted)
    else device.problems.push({ channel: name, place, detail: typeof t === 'string' ? t : misfitText(kind, value, path) })
  }
  return isAnyFound
}

function takeOthers({ device, place, t }: Target, { object }: JsonRecord, config: JsonConfig): void {
  const { channelName, root = '$', time, omit = [] } = config
  const prefix = channelName === undefined ? '' : `${channelName}.`
  const nameOf = (path: string | undefined) => (path === undefined ? (channelName ?? 'value') : prefix + path)
  const problem = (path: string | undefined, detail: string) => device.problems.push({ channel: nameOf(path), place, detail })
  eachLeaf(at(object, root), {
    omit: new Set(time === undefined ? omit : [...omit, time]),
    take(path, found) {
      if (typeof t === 'string') problem(path, t)
      else addOpen(device, { place, t }, nameOf(path), meaningOf(found, config))
    },
    tooDeep: (path) => problem(path, `"${path.slice(0, 80)}" is nested too deep`),
  })
}

/** Or why there is none. */
function timeOf({ timed }: JsonRecord, config: JsonConfig, receivedMs: number): number | string {
  const { time } = config
  if (time === undefined) return receivedMs
  const value = timed.map((object) => at(object, time)).find((found) => found !== undefined)
  if (value === undefined) return `there is no time at "${time}"`
  const t = readTime(value, config)
  return typeof t === 'number' ? t : `time at "${time}": ${t}`
}
