/**
 * Array datatypes, packed into `bytes_value`, every element little-endian:
 *
 *   Int8Array .. UInt64Array   1, 2, 4 or 8 bytes an element, two's complement
 *   FloatArray, DoubleArray    IEEE 754, 4 or 8 bytes
 *   DateTimeArray              8 bytes, ms since the epoch
 *   BooleanArray               count (4 bytes), then one bit an element, first element in bit 7; the last byte is padded
 *   StringArray                UTF-8, each string ended by a zero byte
 *
 * Source: Sparkplug 3.0.0, section 6.4.16, with the examples that the tests use.
 */
import { integerRanges, type SparkplugDatatype } from './datatype.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

export type ArrayValue = (number | bigint)[] | boolean[] | string[]

interface Packing {
  bytes: 1 | 2 | 4 | 8
  get(view: DataView, at: number): number | bigint
  /** False when the value is not of the datatype. */
  set(view: DataView, at: number, value: unknown): boolean
}

/** A function for each datatype, and not one that takes the name of the method: that took twice as long. */
const packings: Partial<Record<SparkplugDatatype, Packing>> = {
  Int8Array: integer(1, integerRanges.Int8!, {
    get: (view, at) => view.getInt8(at),
    put: (view, at, value) => view.setInt8(at, value),
  }),
  Int16Array: integer(2, integerRanges.Int16!, {
    get: (view, at) => view.getInt16(at, true),
    put: (view, at, value) => view.setInt16(at, value, true),
  }),
  Int32Array: integer(4, integerRanges.Int32!, {
    get: (view, at) => view.getInt32(at, true),
    put: (view, at, value) => view.setInt32(at, value, true),
  }),
  UInt8Array: integer(1, integerRanges.UInt8!, {
    get: (view, at) => view.getUint8(at),
    put: (view, at, value) => view.setUint8(at, value),
  }),
  UInt16Array: integer(2, integerRanges.UInt16!, {
    get: (view, at) => view.getUint16(at, true),
    put: (view, at, value) => view.setUint16(at, value, true),
  }),
  UInt32Array: integer(4, integerRanges.UInt32!, {
    get: (view, at) => view.getUint32(at, true),
    put: (view, at, value) => view.setUint32(at, value, true),
  }),
  Int64Array: integer64((view, at) => view.getBigInt64(at, true), BigInt.asIntN),
  UInt64Array: integer64((view, at) => view.getBigUint64(at, true), BigInt.asUintN),
  DateTimeArray: integer64((view, at) => view.getBigUint64(at, true), BigInt.asUintN),
  FloatArray: float(4, {
    get: (view, at) => view.getFloat32(at, true),
    put: (view, at, value) => view.setFloat32(at, value, true),
  }),
  DoubleArray: float(8, {
    get: (view, at) => view.getFloat64(at, true),
    put: (view, at, value) => view.setFloat64(at, value, true),
  }),
}

/** Bytes of one element; undefined for booleans and strings, and for what is not an array. */
export function elementBytes(datatype: SparkplugDatatype): number | undefined {
  return packings[datatype]?.bytes
}

/** @throws SparkplugError datatype-mismatch, truncated, too-large, too-many, bad-utf8. */
export function readArray(reader: Reader, datatype: SparkplugDatatype, start: number, end: number): ArrayValue {
  reader.checkLength(start, end)
  if (datatype === 'BooleanArray') return readBooleans(reader, start, end)
  if (datatype === 'StringArray') return readStrings(reader, start, end)
  const packing = packings[datatype]
  if (!packing) return reader.fail('unsupported', `${datatype} is not an array`, start)
  const { bytes, get } = packing
  const count = (end - start) / bytes
  if (!Number.isInteger(count))
    reader.fail('datatype-mismatch', `${end - start} bytes are not of the datatype ${datatype}`, start)
  reader.takeElements(count, start)
  const { view } = reader
  const values = new Array<number | bigint>(count)
  for (let index = 0; index < count; index++) values[index] = get(view, start + index * bytes)
  return values
}

/** @throws SparkplugError datatype-mismatch, when an element is not of the datatype. */
export function writeArray(writer: Writer, datatype: SparkplugDatatype, values: ArrayValue): void {
  if (datatype === 'BooleanArray') return writeBooleans(writer, values)
  if (datatype === 'StringArray') return writeStrings(writer, values)
  const packing = packings[datatype]
  if (!packing) return writer.fail('unsupported', `${datatype} is not an array`)
  const { bytes, set } = packing
  writer.reserve(values.length * bytes)
  const { view } = writer
  for (let index = 0; index < values.length; index++) {
    if (!set(view, writer.pos, values[index])) writer.fail('datatype-mismatch', `${String(values[index])} in a ${datatype}`)
    writer.pos += bytes
  }
}

function readBooleans(reader: Reader, start: number, end: number): boolean[] {
  if (end - start < 4) reader.fail('truncated', 'a BooleanArray without its count', start)
  const count = reader.view.getUint32(start, true)
  if (count > (end - start - 4) * 8) reader.fail('truncated', `${count} booleans announced`, start)
  reader.takeElements(count, start)
  const values = new Array<boolean>(count)
  for (let index = 0; index < count; index++) {
    values[index] = (reader.bytes[start + 4 + (index >> 3)]! & (0x80 >> (index & 7))) !== 0
  }
  return values
}

function writeBooleans(writer: Writer, values: ArrayValue): void {
  const bytes = Math.ceil(values.length / 8)
  writer.reserve(4 + bytes)
  writer.view.setUint32(writer.pos, values.length, true)
  const start = writer.pos + 4
  writer.bytes.fill(0, start, start + bytes)
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (typeof value !== 'boolean') writer.fail('datatype-mismatch', `${String(value)} in a BooleanArray`)
    if (value) writer.bytes[start + (index >> 3)]! |= 0x80 >> (index & 7)
  }
  writer.pos = start + bytes
}

function readStrings(reader: Reader, start: number, end: number): string[] {
  const values: string[] = []
  for (let at = start; at < end; ) {
    const zero = reader.bytes.indexOf(0, at)
    if (zero < 0 || zero >= end) reader.fail('truncated', 'a string of a StringArray has no end', at)
    reader.takeElements(1, at)
    values.push(reader.text(at, zero))
    at = zero + 1
  }
  return values
}

function writeStrings(writer: Writer, values: ArrayValue): void {
  for (const value of values) {
    if (typeof value !== 'string' || value.includes('\0')) writer.fail('datatype-mismatch', 'no string, or a zero in it')
    writer.reserve(value.length * 3 + 1)
    writer.pos += writer.bytes.write(value, writer.pos, 'utf8')
    writer.byte(0)
  }
}

interface Access {
  get(view: DataView, at: number): number
  put(view: DataView, at: number, value: number): void
}

function integer(bytes: 1 | 2 | 4, [lowest, highest]: readonly [number, number], { get, put }: Access): Packing {
  const set = (view: DataView, at: number, value: unknown) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < lowest || value > highest) return false
    put(view, at, value)
    return true
  }
  return { bytes, get, set }
}

function integer64(get: (view: DataView, at: number) => bigint, wrap: (bits: number, value: bigint) => bigint): Packing {
  const set = (view: DataView, at: number, value: unknown) => {
    const big = typeof value === 'bigint' ? value : Number.isSafeInteger(value) ? BigInt(value as number) : undefined
    if (big === undefined || wrap(64, big) !== big) return false
    view.setBigUint64(at, BigInt.asUintN(64, big), true)
    return true
  }
  return { bytes: 8, get: (view, at) => whenSafe(get(view, at)), set }
}

function float(bytes: 4 | 8, { get, put }: Access): Packing {
  const set = (view: DataView, at: number, value: unknown) => {
    if (typeof value !== 'number') return false
    put(view, at, value)
    return true
  }
  return { bytes, get, set }
}

/** 64-bit integers are numbers when safe, else bigints. */
function whenSafe(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
