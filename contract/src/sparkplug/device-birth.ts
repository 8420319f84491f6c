/**
 * DBIRTH: each channel is a metric with name, alias, datatype and these properties (Sparkplug names none of them; `engUnit`,
 * `engLow` and `engHigh` are what others use):
 *
 *   engUnit        String  UCUM
 *   scale, offset  Double  value = raw * scale + offset
 *   engLow, engHigh  Double  plausible range, in the unit
 *   intervalMs     Double  nominal, for a waveform exact
 *   silentMsMax    Double  longest time without a reading while all is well
 *   code           String  LOINC or MDC
 *   historical     Boolean true: only readings of the past come
 *   millraceKind   String  number, counter, text, boolean, waveform
 *   counterModulus Double  of a counter that goes round: the value after its highest one, in the unit
 *   counterResets  Boolean of a counter: whether it may be reset to 0; absent: it may
 *
 * Birth values of our agents are state, not readings: null, or the last value known. Those of foreign nodes are readings.
 */
import { ownValue } from '@millrace/platform'
import { formatBirthName, nodeMetrics, parseBirthName } from '../naming.ts'
import type { ChannelKind, Datatype, Value } from '../reading.ts'
import type { Channel, Counter } from '../records/fields.ts'
import type { SparkplugDatatype } from './datatype.ts'
import type { Declaration } from './declaration.ts'
import type { Metric } from './metric.ts'
import { noteAlias } from './notes.ts'
import { encodePayload, type Payload } from './payload.ts'
import type { PropertySet } from './properties.ts'

export interface DeviceBirthToEncode {
  /** When the message is sent, epoch ms. */
  timestamp: number
  seq: number
  /** Last known value by channel name. */
  last?: Record<string, { t: number; v: Value }>
}

/** [tck-id-payloads-dbirth-timestamp] [tck-id-payloads-dbirth-seq] @throws SparkplugError when a last value is not of its datatype. */
export function encodeDeviceBirth(declaration: Declaration, { timestamp, seq, last = {} }: DeviceBirthToEncode): Uint8Array {
  const channels = declaration.channels.map(({ alias, channel }): Metric => {
    const { name, datatype } = channel
    const known = channel.kind === 'waveform' ? undefined : ownValue(last, name)
    const value = { timestamp: known?.t ?? timestamp, value: known?.v ?? null }
    return { name, alias, datatype, properties: propertiesOf(channel), ...value }
  })
  const notes = (['absence', 'rejected'] as const).map((note): Metric => {
    return { name: nodeMetrics[note], alias: noteAlias(declaration.device, note), timestamp, datatype: 'String', value: null }
  })
  return encodePayload({ timestamp, seq, uuid: formatBirthName(declaration.id), metrics: [...channels, ...notes] })
}

function propertiesOf({
  unit,
  scale,
  offset,
  range,
  intervalMs,
  silentMsMax,
  historical,
  code,
  kind,
  counter,
}: Channel): PropertySet {
  const properties: PropertySet = new Map()
  const double = (key: string, value: number | undefined) => {
    if (value !== undefined) properties.set(key, { type: 'Double', value })
  }
  const string = (key: string, value: string | undefined) => {
    if (value !== undefined) properties.set(key, { type: 'String', value })
  }
  string('engUnit', unit)
  double('scale', scale)
  double('offset', offset)
  double('engLow', range?.[0])
  double('engHigh', range?.[1])
  double('intervalMs', intervalMs)
  double('silentMsMax', silentMsMax)
  if (historical) properties.set('historical', { type: 'Boolean', value: true })
  string('code', code)
  string('millraceKind', counter ? 'counter' : kind)
  double('counterModulus', counter?.modulus)
  if (counter) properties.set('counterResets', { type: 'Boolean', value: counter.resets })
  return properties
}

export interface BornChannel {
  /** Absent where the metric goes by its name. */
  alias?: number
  channel: Channel
  /** The birth's value, where there is one. */
  last?: { t: number; v: Value }
}

export interface DeviceBirth {
  /** Id of the declaration; undefined for a foreign node. */
  declaration?: string
  channels: BornChannel[]
  /** Metrics that no channel can hold, and why. */
  skipped: { name?: string; alias?: number; reason: string }[]
}

/** Works for foreign nodes too, and on an NBIRTH, whose control metrics are left out: scale 1 and unit `1` unless it says otherwise. */
export function decodeDeviceBirth(payload: Payload): DeviceBirth {
  const birth: DeviceBirth = { declaration: parseBirthName(payload.uuid), channels: [], skipped: [] }
  for (const metric of payload.metrics) {
    const { name, alias } = metric
    if (name !== undefined && isControlMetric(name)) continue
    const channel = channelOf(metric)
    if (typeof channel === 'string') birth.skipped.push({ name, alias, reason: channel })
    else birth.channels.push(bornChannel(metric, channel))
  }
  return birth
}

/** Metrics for the session itself; they are not channels. */
export function isControlMetric(name: string): boolean {
  return name === nodeMetrics.bdSeq || /^(?:Node Control|Device Control|Millrace)\//.test(name)
}

function bornChannel({ alias, timestamp, value }: Metric, channel: Channel): BornChannel {
  const born: BornChannel = alias === undefined ? { channel } : { alias, channel }
  const isReading = typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
  if (isReading && timestamp !== undefined) born.last = { t: timestamp, v: value as Value }
  return born
}

/** The reason, when the metric can be no channel. */
function channelOf({ name, datatype, properties }: Metric): Channel | string {
  if (name === undefined || name === '' || name === '__proto__') return 'no name that a channel can have'
  const ours = datatype && channelDatatypes[datatype]
  if (!ours) return `a channel cannot be ${datatype ?? 'without a datatype'}`
  const intervalMs = number(properties, 'intervalMs')
  const kind = kindOf(ours)
  if (kind === 'waveform' && !(intervalMs !== undefined && intervalMs > 0)) return 'an array without intervalMs is not a waveform'
  const channel: Channel = { name, kind, datatype: ours, unit: text(properties, 'engUnit') ?? '1' }
  if (isWidened(datatype)) channel.wire = datatype
  const scale = number(properties, 'scale')
  const offset = number(properties, 'offset')
  const low = number(properties, 'engLow')
  const high = number(properties, 'engHigh')
  const code = text(properties, 'code')
  if (scale !== undefined) channel.scale = scale
  if (offset !== undefined) channel.offset = offset
  if (low !== undefined && high !== undefined) channel.range = [low, high]
  if (code !== undefined) channel.code = code
  if (intervalMs !== undefined) channel.intervalMs = intervalMs
  const silentMsMax = number(properties, 'silentMsMax')
  if (silentMsMax !== undefined && silentMsMax > 0) channel.silentMsMax = silentMsMax
  if (kind === 'number' && text(properties, 'millraceKind') === 'counter') channel.counter = counterOf(properties)
  if (properties?.get('historical')?.value === true) channel.historical = true
  return channel
}

/** The channel's datatype for one on the wire: the same, or a wider one. The one on the wire is kept: data may leave it out. */
const channelDatatypes: Partial<Record<SparkplugDatatype, Datatype>> = {
  Int8: 'Int16',
  Int16: 'Int16',
  Int32: 'Int32',
  Int64: 'Int64',
  UInt8: 'Int16',
  UInt16: 'Int32',
  UInt32: 'Int64',
  UInt64: 'Int64',
  DateTime: 'Int64',
  Float: 'Float',
  Double: 'Double',
  Boolean: 'Boolean',
  String: 'String',
  Text: 'String',
  UUID: 'String',
  Int16Array: 'Int16Array',
  Int32Array: 'Int32Array',
  FloatArray: 'FloatArray',
}

const widened = ['Int8', 'UInt8', 'UInt16', 'UInt32', 'UInt64', 'DateTime'] as const

function isWidened(datatype: SparkplugDatatype): datatype is (typeof widened)[number] {
  return (widened as readonly string[]).includes(datatype)
}

function counterOf(properties: PropertySet | undefined): Counter {
  const modulus = number(properties, 'counterModulus')
  const resets = properties?.get('counterResets')?.value !== false
  return modulus !== undefined && modulus > 0 ? { modulus, resets } : { resets }
}

/** The datatype decides; of numbers `millraceKind` says which of them are counters. */
function kindOf(datatype: Datatype): ChannelKind {
  if (datatype === 'Boolean') return 'boolean'
  if (datatype === 'String') return 'text'
  return datatype.endsWith('Array') ? 'waveform' : 'number'
}

function number(properties: PropertySet | undefined, key: string): number | undefined {
  const value = properties?.get(key)?.value
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function text(properties: PropertySet | undefined, key: string): string | undefined {
  const value = properties?.get(key)?.value
  return typeof value === 'string' ? value : undefined
}
