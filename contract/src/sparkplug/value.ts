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
import { datatypes, integerRanges, type SparkplugDatatype } from './datatype.ts'
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
  /** Where the metric or property begins, for errors. */
  at = 0
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
export function readValue(reader: Reader, datatype: SparkplugDatatype | undefined, raw: RawValue): MetricValue {
  if (datatype === undefined) return readUntyped(reader, raw)
  const value = readTyped(reader, datatype, raw)
  return value ?? reader.fail('datatype-mismatch', `field ${raw.field} holds no ${datatype}`, raw.at)
}

/** Undefined when the field cannot hold the datatype. */
function readTyped(reader: Reader, datatype: SparkplugDatatype, raw: RawValue): MetricValue | undefined {
  const { field, start, end } = raw
  switch (field) {
    case 10:
    case 11:
      return readInteger(datatype, raw)
    case 12:
    case 13:
      return datatype === 'Float' || datatype === 'Double' ? raw.number : undefined
    case 14:
      return datatype === 'Boolean' ? raw.number === 1 : undefined
    case 15:
      return isText(datatype) ? reader.text(start, end) : undefined
    case 16:
      if (datatypes[datatype] > datatypes.Template) return readArray(reader, datatype, start, end)
      return datatype === 'Bytes' || datatype === 'File' ? reader.copy(start, end) : undefined
    case 17:
      return datatype === 'DataSet' ? reader.copy(start, end) : undefined
    case 18:
      return datatype === 'Template' ? reader.copy(start, end) : undefined
  }
}

function readInteger(datatype: SparkplugDatatype, raw: RawValue): number | bigint | undefined {
  const range = integerRanges[datatype]
  if (range) return narrow(raw, range)
  if (datatype === 'Int64') return raw.field === 10 ? raw.low >>> 0 : signed64(raw)
  return isUnsigned64(datatype) ? unsigned64(raw) : undefined
}

function isText(datatype: SparkplugDatatype): boolean {
  return datatype === 'String' || datatype === 'Text' || datatype === 'UUID'
}

function isUnsigned64(datatype: SparkplugDatatype): boolean {
  return datatype === 'UInt64' || datatype === 'DateTime'
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

export function unsigned64({ field, low, high }: RawValue): number | bigint {
  if (field === 10) return low >>> 0
  const value = (high >>> 0) * 0x1_0000_0000 + (low >>> 0)
  return Number.isSafeInteger(value) ? value : (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}

/** `shift` is 7 for a property, whose field numbers are lower. @throws SparkplugError datatype-mismatch, unsupported. */
export function writeValue(writer: Writer, datatype: SparkplugDatatype, value: MetricValue, shift = 0): void {
  if (datatype === 'PropertySet' || datatype === 'PropertySetList')
    return writer.fail('unsupported', `${datatype} is for properties`)
  writer.reserve(24)
  if (!writeTyped(writer, datatype, value, shift))
    writer.fail('datatype-mismatch', `${typeof value} ${String(value).slice(0, 40)} is not a valid ${datatype}`)
}

/** False when the value is not of the datatype; nothing is written then. */
function writeTyped(writer: Writer, datatype: SparkplugDatatype, value: MetricValue, shift: number): boolean {
  switch (typeof value) {
    case 'number':
      return writeNumber(writer, datatype, value, shift)
    case 'bigint': {
      const wrap = datatype === 'Int64' ? BigInt.asIntN : BigInt.asUintN
      if ((datatype !== 'Int64' && !isUnsigned64(datatype)) || wrap(64, value) !== value) return false
      writer.key(11 - shift, 0)
      writer.bigVarint(value)
      return true
    }
    case 'boolean':
      if (datatype !== 'Boolean') return false
      writer.key(14 - shift, 0)
      writer.byte(value ? 1 : 0)
      return true
    case 'string':
      if (isText(datatype)) writer.text(((15 - shift) << 3) | 2, value)
      return isText(datatype)
  }
  return Array.isArray(value) ? writeElements(writer, datatype, value) : writeBytes(writer, datatype, value)
}

function writeNumber(writer: Writer, datatype: SparkplugDatatype, value: number, shift: number): boolean {
  const range = integerRanges[datatype]
  if (range) {
    if (!Number.isInteger(value) || value < range[0] || value > range[1]) return false
    writer.key(10 - shift, 0)
    writer.varint32(value)
  } else if (datatype === 'Float') {
    writer.key(12 - shift, 5)
    writer.float(value)
  } else if (datatype === 'Double') {
    writer.key(13 - shift, 1)
    writer.double(value)
  } else {
    const isIn = datatype === 'Int64' || (isUnsigned64(datatype) && value >= 0)
    if (!isIn || !Number.isSafeInteger(value)) return false
    writer.key(11 - shift, 0)
    writer.varint(value)
  }
  return true
}

function writeBytes(writer: Writer, datatype: SparkplugDatatype, value: Uint8Array): boolean {
  const field = bytesFields[datatype]
  if (field === undefined) return false
  writer.data((field << 3) | 2, value)
  return true
}

const bytesFields: Partial<Record<SparkplugDatatype, number>> = { Bytes: 16, File: 16, DataSet: 17, Template: 18 }

function writeElements(writer: Writer, datatype: SparkplugDatatype, value: ArrayValue): boolean {
  if (datatypes[datatype] < datatypes.Int8Array) return false
  writer.key(16, 2)
  const start = writer.open()
  writeArray(writer, datatype, value)
  writer.close(start)
  return true
}
