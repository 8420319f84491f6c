/**
 * SenML (RFC 8428) after its bytes are read: base fields are resolved (section 4.6), names are found among the channels.
 *
 *   bn, bt, bu, bv, bs   base name, time, unit, value, sum: hold for their record and those after it, until given again
 *   n, u, v | vs | vb | vd, s, t   name, unit, value (number, text, boolean, base64url data), sum, time; `ut` is not used
 *
 * - Name: base name + name, of the characters in section 4.5.1. Time: base time + time in seconds; below 2^28 it counts from now,
 *   which is the time of arrival (section 4.5.3).
 * - A record with an unknown label that ends in `_` is rejected (section 4.4): its sender says that it cannot be understood without.
 * - A base field that cannot be used spoils the records behind it as well, until it is given again: they would mean something else.
 * - A pack of a version above 10 is refused whole (section 4.4).
 *
 * A channel's `path` is the whole name, or its end behind `:`, `/` or `.`; `<path>#sum` is the sum. What is before it is the label
 * `base`. The longest path wins.
 */
import { z } from 'zod'
import {
  addOpen,
  addReading,
  createDevices,
  type Decoded,
  fit,
  labelsIn,
  misfitText,
  nothingFound,
  type PayloadChannel,
  type PayloadConfig,
  type ReadingPlace,
  startDecoded,
} from './codec.ts'
import { sumExactly } from './exact.ts'
import { meaningOf } from './words.ts'

const channelKeys = {
  payloadUnit: z.string().optional().describe('a value in another unit is rejected; absent: not looked at'),
}
type SenmlChannel = PayloadChannel & z.infer<z.ZodObject<typeof channelKeys>>
export type SenmlConfig = PayloadConfig & { channels: SenmlChannel[] }

/** What the codecs of both formats tell of themselves. */
export const senml = {
  timeUnit: () => 's' as const,
  path: 'the name or its end `temp`',
  labels: { pattern: /^base$/, description: '`{base}` what is before the path in the name' },
  channelKeys,
}

/** Fields by their labels in JSON. */
export type SenmlRecord = Map<string, unknown>

const versionMax = 10
/** Section 4.5.3: ten years of seconds, about. */
const relativeSecondsMax = 2 ** 28
const values = ['v', 'vs', 'vb', 'vd']
const own = ['n', 'u', 't', 'ut']

/** A bigint is an integer that no double holds. */
type Num = number | bigint

interface Base {
  bn?: string
  bt?: number
  bu?: string
  bv?: Num
  bs?: Num
}
type BaseLabel = keyof Base

/** A pack while its records are read one after the other. */
interface Pack {
  decoded: Decoded
  receivedMs: number
  base: Base
  /** Base fields that cannot be used, and the records that have them. */
  spoilt: Map<string, number>
  deviceOf: ReturnType<typeof createDevices>
  find: ReturnType<typeof createFinder>
  config: SenmlConfig
}

/** Undefined is something that is not a record. @throws Error when nothing can be used. */
export function resolveSenml(records: (SenmlRecord | undefined)[], config: SenmlConfig, receivedMs: number): Decoded {
  checkVersions(records)
  const decoded = startDecoded()
  const deviceOf = createDevices(decoded, labelsIn(config.device))
  const pack: Pack = { decoded, receivedMs, base: {}, spoilt: new Map(), deviceOf, find: createFinder(config), config }
  let isAnyFound = records.length === 0
  for (const [place, record] of records.entries()) if (takeRecord(pack, record, place)) isAnyFound = true
  return isAnyFound || decoded.broken.length > 0 ? decoded : nothingFound(config)
}

function checkVersions(records: (SenmlRecord | undefined)[]): void {
  for (const record of records) {
    const version = record?.get('bver') ?? versionMax
    if (typeof version !== 'number' || version > versionMax) throw new Error(`version ${version} is not known`)
  }
}

/** False when it has nothing that a channel takes. */
function takeRecord(pack: Pack, record: SenmlRecord | undefined, place: number): boolean {
  const resolved =
    record === undefined
      ? 'a record is a map of labels'
      : (takeBase(pack, record, place) ?? faultOf(record) ?? resolve(pack, record, place))
  if (resolved === undefined) return false
  if (typeof resolved === 'string') {
    pack.decoded.broken.push({ place, detail: resolved })
    return false
  }
  if (!resolved.isTimed) pack.decoded.isTimed = false
  let isAnyFound = false
  for (const [path, value] of resolved.values) if (takeValue(pack, resolved, path, value)) isAnyFound = true
  return isAnyFound
}

/** False when no channel has this path. */
function takeValue(pack: Pack, record: Resolved, path: string, value: unknown): boolean {
  if (pack.config.channels.length === 0) return takeOpen(pack, record, path, value)
  const found = pack.find(path)
  if (!found) return false
  const { channel, labels } = found
  const device = pack.deviceOf(labels)
  const wrongUnit = unitFault(record, channel, path)
  const meant = meaningOf(value, pack.config)
  if (meant === null) return true
  const fitted = wrongUnit === undefined ? fit(channel.kind, meant) : undefined
  if (fitted !== undefined) addReading(device, record, channel.name, fitted)
  else if (wrongUnit === undefined && channel.kind === 'number' && typeof value === 'bigint')
    pack.decoded.broken.push({ place: record.place, detail: misfitText(channel.kind, meant, path) })
  else {
    const detail = wrongUnit ?? misfitText(channel.kind, meant, path)
    device.problems.push({ channel: channel.name, place: record.place, detail })
  }
  return true
}

/** The name says the channel, the record its unit. */
function takeOpen({ decoded, config, deviceOf }: Pack, record: Resolved, name: string, value: unknown): boolean {
  const device = deviceOf(new Map())
  const meant = meaningOf(value, config)
  if (typeof meant === 'bigint') decoded.broken.push({ place: record.place, detail: misfitText('number', meant, name) })
  else addOpen(device, record, name, meant)
  device.units ??= new Map()
  if (record.unit !== undefined) device.units.set(name, record.unit)
  return true
}

function unitFault({ unit }: Resolved, { payloadUnit }: SenmlChannel, path: string): string | undefined {
  if (payloadUnit === undefined || unit === payloadUnit) return undefined
  return `${path} is in ${unit ?? 'no unit'}, not in ${payloadUnit}`
}

/** Takes the record's base fields over. Returns why this record cannot be resolved. */
function takeBase({ base, spoilt }: Pack, record: SenmlRecord, place: number): string | undefined {
  for (const label of Object.keys(baseTypes) as BaseLabel[]) {
    if (!record.has(label)) continue
    const value = record.get(label)
    spoilt.delete(label)
    if (baseTypes[label](value)) Object.assign(base, { [label]: value })
    else spoilt.set(label, place)
  }
  const unknown = [...record.keys()].find((label) => label.endsWith('_'))
  // A base field that nobody here knows may change everything behind it.
  if (unknown?.startsWith('b')) spoilt.set(unknown, place)
  if (unknown !== undefined) return `field ${unknown.slice(0, 40)} must be understood and is not`
  const [spoiler] = spoilt
  return spoiler && `base field ${spoiler[0].slice(0, 40)} of record ${spoiler[1]} is not usable`
}

function faultOf(record: SenmlRecord): string | undefined {
  if (values.filter((label) => record.has(label)).length > 1) return 'more than one value'
  const wrong = Object.entries(types).find(([label, isGood]) => record.has(label) && !isGood(record.get(label)))
  if (!wrong) return undefined
  const value = record.get(wrong[0])
  return `field ${wrong[0]} is not what it must be${typeof value === 'bigint' ? `: ${value}` : ''}`
}

const isTime = (value: unknown) => Number.isFinite(value)
const isNumber = (value: unknown) => Number.isFinite(value) || typeof value === 'bigint'
const isText = (value: unknown) => typeof value === 'string'
const types: Record<string, (value: unknown) => boolean> = {
  n: isText,
  u: isText,
  t: isTime,
  v: isNumber,
  s: isNumber,
  vs: isText,
  vb: (value) => typeof value === 'boolean',
  vd: (value) => typeof value === 'string' && /^[\w-]*$/.test(value),
}

const baseTypes: Record<BaseLabel, (value: unknown) => boolean> = {
  bn: isText,
  bt: isTime,
  bu: isText,
  bv: isNumber,
  bs: isNumber,
}

interface Resolved extends ReadingPlace {
  isTimed: boolean
  unit: string | undefined
  /** By the path that takes them. */
  values: [path: string, value: unknown][]
}

/** Undefined for a record of base fields alone; a text when it has no name or value. */
function resolve({ base, receivedMs }: Pack, record: SenmlRecord, place: number): Resolved | string | undefined {
  const name = `${base.bn ?? ''}${record.get('n') ?? ''}`
  const label = values.find((each) => record.has(each))
  const hasSum = record.has('s')
  if (label === undefined && !hasSum) return own.some((each) => record.has(each)) ? 'there is no value' : undefined
  if (!/^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/.test(name)) return `"${name.slice(0, 40)}" is not a name`
  const seconds = (base.bt ?? 0) + ((record.get('t') as number | undefined) ?? 0)
  const isTimed = seconds >= relativeSecondsMax
  const found: Resolved['values'] = []
  if (label !== undefined)
    found.push([name, label === 'v' ? sumExactly(record.get('v') as Num, base.bv ?? 0) : record.get(label)])
  if (hasSum || base.bs !== undefined)
    found.push([`${name}#sum`, sumExactly((record.get('s') as Num | undefined) ?? 0, base.bs ?? 0)])
  return {
    place,
    t: Math.round(seconds * 1000) + (isTimed ? 0 : receivedMs),
    isTimed,
    unit: (record.get('u') as string | undefined) ?? base.bu,
    values: found,
  }
}

interface Found {
  channel: SenmlChannel
  labels: Map<string, string>
}

function createFinder({ channels }: SenmlConfig): (name: string) => Found | undefined {
  const known = new Map<string, Found | undefined>()
  return (name) => {
    if (!known.has(name)) {
      const [channel] = channels.filter(({ path }) => isEnd(name, path)).sort((a, b) => b.path.length - a.path.length)
      known.set(name, channel && { channel, labels: labelsOf(name, channel.path) })
    }
    return known.get(name)
  }
}

/** A path that begins with a separator of its own says so. */
function isEnd(name: string, path: string): boolean {
  if (name === path) return true
  return name.endsWith(path) && (/^[^A-Za-z0-9]/.test(path) || /[:/.]/.test(name[name.length - path.length - 1]!))
}

function labelsOf(name: string, path: string): Map<string, string> {
  const before = name.slice(0, name.length - path.length).replace(/[:/.]$/, '')
  return new Map(before === '' ? [] : [['base', before]])
}
