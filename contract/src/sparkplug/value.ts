/**
 * The `value` oneof, which metrics and properties share but for their field numbers (those of a property are 7 lower):
 *
 *   10 int_value       uint32   Int8, Int16, Int32 (two's complement), UInt8, UInt16, UInt32
 *   11 long_value      uint64   Int64 (two's complement), UInt64, DateTime
 *   12 float_value     float    Float
 *   13 double_value    double   Double
 *   14 boolean_value   bool     Boolean
 *   15 string_value    string   String, Text, UUID
 *   16 bytes_value     bytes    Bytes, File, and the array datatypes (see arrays.ts)
 *   17 dataset_value   message  DataSet
 *   18 template_value  message  Template
 *   19 extension_value message
 *
 * Others write integers in the wrong width, so an integer is taken from either integer field when it fits the datatype.
 * A negative Int8 or Int16 is taken as two's complement of 32 bits, which is what is written here, or of its own width.
 * DataSet and Template are not decoded: their value is the message's bytes, untouched, which is safe and loses nothing.
 */
import { type ArrayValue, readArray, writeArray } from './arrays.ts'
import { integerRanges, type SparkplugDatatype } from './datatype.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

export type MetricValue = number | bigint | boolean | string | Uint8Array | ArrayValue

/** A value as it was found, before its datatype is looked at. */
export class RawValue {
  /** 10 to 19; 0 when there is none. */
  field = 0
  /** Halves of an integer. */
  low = 0
  high = 0
  /** A float, a double, or 0 and 1 for a boolean. */
  number = 0
  /** Bounds of what is length-delimited. */
  start = 0
  end = 0
}

/** Reads the field of `tag`, whose number is `field` in a metric. False when it is none of the value's. */
export function scanValue(reader: Reader, raw: RawValue, field: number, wireType: number): boolean {
  if (field < 10 || field > 19 || wireType !== wireTypes[field - 10]) return false
  raw.field = field
  if (wireType === 0) {
    raw.number = reader.varint() === 0 ? 0 : 1
    raw.low = reader.low
    raw.high = reader.high
  } else if (field === 12) raw.number = reader.float()
  else if (field === 13) raw.number = reader.double()
  else {
    raw.start = reader.range()
    raw.end = reader.pos
  }
  return true
}

const wireTypes = [0, 0, 5, 1, 0, 2, 2, 2, 2, 2]

/** Without a datatype the field decides: integers are then unsigned. @throws SparkplugError datatype-mismatch, bad-utf8, too-large ... */
export function readValue(reader: Reader, datatype: SparkplugDatatype | undefined, raw: RawValue, at: number): MetricValue {
  const { field } = raw
  const integer = field === 10 || field === 11
  switch (datatype) {
    case 'Int8':
    case 'Int16':
    case 'Int32':
    case 'UInt8':
    case 'UInt16':
    case 'UInt32': {
      const value = integer ? narrow(raw, integerRanges[datatype]!) : undefined
      if (value !== undefined) return value
      break
    }
    case 'Int64':
      if (integer) return field === 10 ? raw.low >>> 0 : signed64(raw)
      break
    case 'UInt64':
    case 'DateTime':
      if (integer) return unsigned64(raw)
      break
    case 'Float':
    case 'Double':
      if (field === 12 || field === 13) return raw.number
      break
    case 'Boolean':
      if (field === 14) return raw.number === 1
      break
    case 'String':
    case 'Text':
    case 'UUID':
      if (field === 15) return reader.text(raw.start, raw.end)
      break
    case 'Bytes':
    case 'File':
      if (field === 16) return reader.copy(raw.start, raw.end)
      break
    case 'DataSet':
      if (field === 17) return reader.copy(raw.start, raw.end)
      break
    case 'Template':
      if (field === 18) return reader.copy(raw.start, raw.end)
      break
    case undefined:
      return readUntyped(reader, raw)
    default:
      if (field === 16) return readArray(reader, datatype, raw.start, raw.end)
  }
  return reader.fail('datatype-mismatch', `field ${field} holds no ${datatype}`, at)
}

function readUntyped(reader: Reader, raw: RawValue): MetricValue {
  if (raw.field < 12) return unsigned64(raw)
  if (raw.field < 14) return raw.number
  if (raw.field === 14) return raw.number === 1
  return raw.field === 15 ? reader.text(raw.start, raw.end) : reader.copy(raw.start, raw.end)
}

/** Undefined when the integer is not in the range. */
function narrow(raw: RawValue, [lowest, highest]: readonly [number, number]): number | undefined {
  const wide = lowest < 0 ? (raw.field === 10 ? raw.low : signed64(raw)) : unsigned64(raw)
  if (typeof wide === 'bigint') return undefined
  if (wide >= lowest && wide <= highest) return wide
  const folded = wide - 2 * (highest + 1)
  return lowest < 0 && wide > highest && folded < 0 ? folded : undefined
}

export function signed64({ low, high }: RawValue): number | bigint {
  const value = high * 0x1_0000_0000 + (low >>> 0)
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low >>> 0)
}

function unsigned64({ field, low, high }: RawValue): number | bigint {
  if (field === 10) return low >>> 0
  const value = (high >>> 0) * 0x1_0000_0000 + (low >>> 0)
  return Number.isSafeInteger(value) ? value : (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}

/** `shift` is 7 for a property, whose field numbers are lower. @throws SparkplugError datatype-mismatch, unsupported. */
export function writeValue(writer: Writer, datatype: SparkplugDatatype, value: MetricValue, shift = 0): void {
  writer.reserve(24)
  const key = (field: number, wireType: number) => writer.varint32(((field - shift) << 3) | wireType)
  const mismatch = () => writer.fail('datatype-mismatch', `${typeof value} ${String(value).slice(0, 40)} is no ${datatype}`)
  switch (datatype) {
    case 'Int8':
    case 'Int16':
    case 'Int32':
    case 'UInt8':
    case 'UInt16':
    case 'UInt32': {
      const [lowest, highest] = integerRanges[datatype]!
      if (typeof value !== 'number' || !Number.isInteger(value) || value < lowest || value > highest) return mismatch()
      key(10, 0)
      return writer.varint32(value)
    }
    case 'Int64':
    case 'UInt64':
    case 'DateTime': {
      const wrap = datatype === 'Int64' ? BigInt.asIntN : BigInt.asUintN
      const big = typeof value === 'bigint' && wrap(64, value) === value
      const safe = typeof value === 'number' && Number.isSafeInteger(value) && (value >= 0 || datatype === 'Int64')
      if (!big && !safe) return mismatch()
      key(11, 0)
      return typeof value === 'bigint' ? writer.bigVarint(value) : writer.varint(value as number)
    }
    case 'Float':
      if (typeof value !== 'number') return mismatch()
      key(12, 5)
      return writer.float(value)
    case 'Double':
      if (typeof value !== 'number') return mismatch()
      key(13, 1)
      return writer.double(value)
    case 'Boolean':
      if (typeof value !== 'boolean') return mismatch()
      key(14, 0)
      return writer.byte(value ? 1 : 0)
    case 'String':
    case 'Text':
    case 'UUID':
      if (typeof value !== 'string') return mismatch()
      return writer.text(((15 - shift) << 3) | 2, value)
    case 'Bytes':
    case 'File':
    case 'DataSet':
    case 'Template': {
      if (!(value instanceof Uint8Array)) return mismatch()
      const field = datatype === 'DataSet' ? 17 : datatype === 'Template' ? 18 : 16
      return writer.data((field << 3) | 2, value)
    }
    case 'PropertySet':
    case 'PropertySetList':
      return writer.fail('unsupported', `${datatype} is for properties`)
    default: {
      if (!Array.isArray(value)) return mismatch()
      key(16, 2)
      const start = writer.open()
      writeArray(writer, datatype, value)
      return writer.close(start)
    }
  }
}
