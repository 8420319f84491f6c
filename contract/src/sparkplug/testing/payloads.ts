/**
 * The peer that the codec is tested against: protobufjs with the message descriptor written out, and metrics of every datatype.
 * `toWire` says in terms of protobufjs what a metric should be on the wire, by other means than the codec's own.
 */
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { datatypes, type SparkplugDatatype } from '../datatype.ts'
import type { Metric } from '../metric.ts'
import type { Payload } from '../payload.ts'
import type { Property, PropertySet } from '../properties.ts'
import type { MetricValue } from '../value.ts'

const field = (type: string, id: number) => ({ type, id, edition: 'proto2' })
const list = (type: string, id: number) => ({ ...field(type, id), rule: 'repeated' })

const PayloadType = protobuf.Root.fromJSON({
  nested: {
    Payload: {
      fields: {
        timestamp: field('uint64', 1),
        metrics: list('Metric', 2),
        seq: field('uint64', 3),
        uuid: field('string', 4),
        body: field('bytes', 5),
      },
    },
    Metric: {
      oneofs: {
        value: { oneof: ['int', 'long', 'float', 'double', 'boolean', 'string', 'bytes', 'dataset', 'template', 'extension'] },
      },
      fields: {
        name: field('string', 1),
        alias: field('uint64', 2),
        timestamp: field('uint64', 3),
        datatype: field('uint32', 4),
        isHistorical: field('bool', 5),
        isTransient: field('bool', 6),
        isNull: field('bool', 7),
        metadata: field('MetaData', 8),
        properties: field('PropertySet', 9),
        int: field('uint32', 10),
        long: field('uint64', 11),
        float: field('float', 12),
        double: field('double', 13),
        boolean: field('bool', 14),
        string: field('string', 15),
        bytes: field('bytes', 16),
        dataset: field('bytes', 17),
        template: field('bytes', 18),
        extension: field('bytes', 19),
        later: field('fixed64', 2000),
      },
    },
    MetaData: { fields: { isMultiPart: field('bool', 1), contentType: field('string', 2), size: field('uint64', 3) } },
    PropertySet: { fields: { keys: list('string', 1), values: list('PropertyValue', 2) } },
    PropertyValue: {
      oneofs: { value: { oneof: ['int', 'long', 'float', 'double', 'boolean', 'string', 'set', 'sets'] } },
      fields: {
        type: field('uint32', 1),
        isNull: field('bool', 2),
        int: field('uint32', 3),
        long: field('uint64', 4),
        float: field('float', 5),
        double: field('double', 6),
        boolean: field('bool', 7),
        string: field('string', 8),
        set: field('PropertySet', 9),
        sets: field('PropertySetList', 10),
      },
    },
    PropertySetList: { fields: { propertyset: list('PropertySet', 1) } },
  },
}).lookupType('Payload')

type Wire = Record<string, unknown>

export function encodeByPeer(payload: Wire): Uint8Array {
  return PayloadType.encode(PayloadType.fromObject(payload)).finish()
}

export function decodeByPeer(bytes: Uint8Array): Wire {
  return PayloadType.toObject(PayloadType.decode(bytes), { longs: String, bytes: Buffer })
}

export function toWire({ timestamp, metrics, seq, uuid, body }: Payload): Wire {
  return defined({
    timestamp: timestamp?.toString(),
    metrics: metrics.length === 0 ? undefined : metrics.map(metricToWire),
    seq: seq?.toString(),
    uuid,
    body: body && Buffer.from(body),
  })
}

function metricToWire(metric: Metric): Wire {
  const { name, alias, timestamp, datatype, isHistorical, isTransient, properties, value } = metric
  return defined({
    name,
    alias: alias?.toString(),
    timestamp: timestamp?.toString(),
    datatype: datatype && datatypes[datatype],
    isHistorical,
    isTransient,
    isNull: value === null ? true : undefined,
    properties: properties && setToWire(properties),
    ...(value === null || value === undefined ? {} : valueToWire(datatype!, value)),
  })
}

function setToWire(set: PropertySet): Wire {
  return set.size === 0 ? {} : { keys: [...set.keys()], values: [...set.values()].map(propertyToWire) }
}

function propertyToWire({ type, value }: Property): Wire {
  const wire: Wire = { type: datatypes[type!] }
  if (value === null) return { ...wire, isNull: true }
  if (value instanceof Map) return { ...wire, set: setToWire(value) }
  if (Array.isArray(value)) return { ...wire, sets: value.length === 0 ? {} : { propertyset: value.map(setToWire) } }
  return { ...wire, ...valueToWire(type!, value) }
}

function valueToWire(datatype: SparkplugDatatype, value: MetricValue): Wire {
  if (Array.isArray(value)) return { bytes: pack(datatype, value) }
  if (value instanceof Uint8Array) {
    const key = datatype === 'DataSet' ? 'dataset' : datatype === 'Template' ? 'template' : 'bytes'
    return { [key]: Buffer.from(value) }
  }
  if (datatype === 'Float') return { float: Math.fround(value as number) }
  if (datatype === 'Double') return { double: value }
  if (typeof value === 'boolean') return { boolean: value }
  if (typeof value === 'string') return { string: value }
  if (/64|DateTime/.test(datatype)) return { long: BigInt.asUintN(64, BigInt(value)).toString() }
  return { int: Number(value) >>> 0 }
}

function pack(datatype: SparkplugDatatype, values: unknown[]): Buffer {
  if (datatype === 'StringArray') return Buffer.from(values.map((value) => `${value}\0`).join(''))
  if (datatype === 'BooleanArray') {
    const bits = values.map((value) => (value ? '1' : '0')).join('')
    const bytes = (bits.match(/.{1,8}/g) ?? []).map((eight) => Number.parseInt(eight.padEnd(8, '0'), 2))
    return Buffer.from([...new Uint8Array(Uint32Array.of(values.length).buffer), ...bytes])
  }
  const numbers = values as number[]
  const big = values.map((value) => BigInt(/64|DateTime/.test(datatype) ? (value as number) : 0))
  const packed =
    {
      Int8Array: () => Int8Array.from(numbers),
      Int16Array: () => Int16Array.from(numbers),
      Int32Array: () => Int32Array.from(numbers),
      UInt8Array: () => Uint8Array.from(numbers),
      UInt16Array: () => Uint16Array.from(numbers),
      UInt32Array: () => Uint32Array.from(numbers),
      FloatArray: () => Float32Array.from(numbers),
      DoubleArray: () => Float64Array.from(numbers),
    }[datatype as 'Int8Array']?.() ?? BigInt64Array.from(big)
  return Buffer.from(packed.buffer)
}

function defined(wire: Wire): Wire {
  return Object.fromEntries(Object.entries(wire).filter(([, value]) => value !== undefined))
}

// ---- arbitrary values -------------------------------------------------------------------------------------------------

const int = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 })
/** As the codec gives them back: a number when it is safe. */
const big = (min: bigint, max: bigint) =>
  fc
    .oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 0n, 1n, 2n ** 53n - 1n, 2n ** 53n))
    .map((value): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value))
const int64 = big(-(2n ** 63n), 2n ** 63n - 1n)
const uint64 = big(0n, 2n ** 64n - 1n)
const float = fc.float()
const double = fc.double()
const text = fc.string({ unit: 'grapheme', maxLength: 60 })
const bytes = fc.uint8Array({ maxLength: 200 })
const listOf = <T>(element: fc.Arbitrary<T>) => fc.array(element, { maxLength: 40 })

const scalars = {
  Int8: int(8),
  Int16: int(16),
  Int32: int(32),
  Int64: int64,
  UInt8: uint(8),
  UInt16: uint(16),
  UInt32: uint(32),
  UInt64: uint64,
  Float: float,
  Double: double,
  Boolean: fc.boolean(),
  String: text,
  DateTime: uint64,
  Text: text,
  UUID: fc.uuid(),
}

export const values: Partial<Record<SparkplugDatatype, fc.Arbitrary<MetricValue>>> = {
  ...scalars,
  DataSet: bytes,
  Bytes: bytes,
  File: bytes,
  Template: bytes,
  Int8Array: listOf(int(8)),
  Int16Array: listOf(int(16)),
  Int32Array: listOf(int(32)),
  Int64Array: listOf(int64),
  UInt8Array: listOf(uint(8)),
  UInt16Array: listOf(uint(16)),
  UInt32Array: listOf(uint(32)),
  UInt64Array: listOf(uint64),
  FloatArray: listOf(float),
  DoubleArray: listOf(double),
  BooleanArray: listOf(fc.boolean()),
  StringArray: listOf(text.map((value) => value.replaceAll('\0', ''))),
  DateTimeArray: listOf(uint64),
}

const scalarProperty: fc.Arbitrary<Property> = fc.oneof(
  ...Object.entries(scalars).map(([type, value]) =>
    fc.record({ type: fc.constant(type as SparkplugDatatype), value: fc.option(value as fc.Arbitrary<MetricValue>) }),
  ),
) as fc.Arbitrary<Property>

const mapOf = (property: fc.Arbitrary<Property>): fc.Arbitrary<PropertySet> =>
  fc.array(fc.tuple(text, property), { maxLength: 4 }).map((entries) => new Map(entries))

const nested: fc.Arbitrary<Property> = fc.oneof(
  { weight: 4, arbitrary: scalarProperty },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('PropertySet' as const), value: mapOf(scalarProperty) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('PropertySetList' as const),
      value: fc.array(mapOf(scalarProperty), { maxLength: 3 }),
    }),
  },
)

const safe = fc.oneof(fc.nat(300), fc.maxSafeNat())

export function metricOf(datatype: SparkplugDatatype): fc.Arbitrary<Metric> {
  return fc.record(
    {
      name: text,
      alias: safe,
      timestamp: safe,
      datatype: fc.constant(datatype),
      isHistorical: fc.constant(true),
      isTransient: fc.constant(true),
      properties: mapOf(nested),
      value: fc.option(values[datatype]!),
    },
    { requiredKeys: ['datatype', 'value'] },
  )
}

const metricArbitrary: fc.Arbitrary<Metric> = fc.constantFrom(...(Object.keys(values) as SparkplugDatatype[])).chain(metricOf)

export const payloadArbitrary: fc.Arbitrary<Payload> = fc.record(
  { timestamp: safe, metrics: fc.array(metricArbitrary, { maxLength: 6 }), seq: safe, uuid: text, body: bytes },
  { requiredKeys: ['metrics'] },
)
