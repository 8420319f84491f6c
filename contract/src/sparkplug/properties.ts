/**
 * Properties of a metric. On the wire a set is two lists of equal length [tck-id-payloads-propertyset-keys-array-size]:
 *
 *   PropertySet      1 keys    repeated string
 *                    2 values  repeated PropertyValue
 *   PropertyValue    1 type    uint32, see datatype.ts
 *                    2 is_null bool
 *                    3 int, 4 long, 5 float, 6 double, 7 boolean, 8 string   as in value.ts
 *                    9 propertyset_value, 10 propertysets_value, 11 extension_value
 *   PropertySetList  1 propertyset  repeated PropertySet
 */
import { datatypeName, datatypes, type SparkplugDatatype } from './datatype.ts'
import type { Reader } from './reader.ts'
import { RawValue, readValue, scanValue, writeValue } from './value.ts'
import type { Writer } from './writer.ts'

export type PropertyValue = number | bigint | boolean | string | PropertySet | PropertySet[]

export interface Property {
  /** Must be there when encoding; others leave it out of data messages. */
  type?: SparkplugDatatype
  value: PropertyValue | null
}

/** A map, because the keys come from outside. Of two equal keys the last counts. */
export type PropertySet = Map<string, Property>

/** Reads the set between `start` and `end` and leaves the reader where it was. @throws SparkplugError. */
export function readPropertySet(reader: Reader, start: number, end: number, depth = 1): PropertySet {
  if (depth > reader.limits.depth) reader.fail('too-deep', `property sets nested more than ${reader.limits.depth} deep`, start)
  const keys: string[] = []
  const values: Property[] = []
  inside(reader, start, end, (tag) => {
    if (tag === 0x0a) {
      countProperty(reader)
      keys.push(reader.text(reader.range(), reader.pos))
    } else if (tag === 0x12) {
      countProperty(reader)
      values.push(readProperty(reader, reader.range(), reader.pos, depth))
    } else reader.skipUnknown(tag, 2)
  })
  if (keys.length !== values.length) reader.fail('bad-properties', `${keys.length} keys and ${values.length} values`, start)
  return new Map(keys.map((key, index) => [key, values[index]!]))
}

/** Keys and values count alike, so a set of one property takes two. */
function countProperty(reader: Reader): void {
  reader.propertiesLeft -= 0.5
  if (reader.propertiesLeft < 0) reader.fail('too-many', `properties, at most ${reader.limits.properties}`)
}

function readProperty(reader: Reader, start: number, end: number, depth: number): Property {
  const raw = new RawValue()
  raw.at = start
  let code = 0
  let isNull = false
  inside(reader, start, end, (tag) => {
    const field = tag >>> 3
    if (tag === 0x08) code = reader.varint()
    else if (tag === 0x10) isNull = reader.varint() !== 0
    else if (tag === 0x4a || tag === 0x52 || tag === 0x5a) {
      raw.field = field + 20
      raw.start = reader.range()
      raw.end = reader.pos
    } else if (field > 8 || !scanValue(reader, raw, field + 7, tag & 7)) reader.skipUnknown(tag, 11)
  })
  const type = datatypeName(code)
  if (code !== 0 && type === undefined) reader.fail('unsupported', `property type ${code}`, start)
  if (isNull || raw.field === 0) return { type, value: null }
  return { type, value: readPropertyValue(reader, type, raw, depth) }
}

function readPropertyValue(reader: Reader, type: SparkplugDatatype | undefined, raw: RawValue, depth: number): PropertyValue {
  const { field, at } = raw
  if (field === 29 && (type === undefined || type === 'PropertySet'))
    return readPropertySet(reader, raw.start, raw.end, depth + 1)
  if (field === 30 && (type === undefined || type === 'PropertySetList')) {
    const sets: PropertySet[] = []
    inside(reader, raw.start, raw.end, (tag) => {
      if (tag !== 0x0a) return reader.skipUnknown(tag, 1)
      countProperty(reader)
      sets.push(readPropertySet(reader, reader.range(), reader.pos, depth + 1))
    })
    return sets
  }
  if (field > 16) return reader.fail('datatype-mismatch', `a property's field ${field - 20} holds no ${type}`, at)
  return readValue(reader, type, raw) as PropertyValue
}

/** Calls for each tag of the message between the bounds, then puts the reader back. */
function inside(reader: Reader, start: number, end: number, field: (tag: number) => void): void {
  const { pos, end: outer } = reader
  reader.pos = start
  reader.end = end
  while (reader.pos < end) field(reader.tag())
  reader.pos = pos
  reader.end = outer
}

/** A set with its tag and length. @throws SparkplugError datatype-mismatch, bad-properties. */
export function writeSet(writer: Writer, tag: number, set: PropertySet): void {
  writer.reserve(16)
  writer.byte(tag)
  const start = writer.open()
  writePropertySet(writer, set)
  writer.close(start)
}

function writePropertySet(writer: Writer, set: PropertySet): void {
  for (const key of set.keys()) writer.text(0x0a, key)
  for (const property of set.values()) {
    writer.reserve(16)
    writer.byte(0x12)
    const start = writer.open()
    writeProperty(writer, property)
    writer.close(start)
  }
}

function writeProperty(writer: Writer, { type, value }: Property): void {
  if (type === undefined) return writer.fail('bad-properties', 'a property without a type')
  writer.byte(0x08)
  writer.varint32(datatypes[type])
  if (value === null) {
    writer.byte(0x10)
    writer.byte(1)
  } else if (type === 'PropertySet' && value instanceof Map) writeSet(writer, 0x4a, value)
  else if (type === 'PropertySetList' && Array.isArray(value)) {
    writer.byte(0x52)
    const start = writer.open()
    for (const set of value) writeSet(writer, 0x0a, set)
    writer.close(start)
  } else if (typeof value === 'object' || datatypes[type] > datatypes.UUID)
    writer.fail('datatype-mismatch', `a property of type ${type}`)
  else writeValue(writer, type, value, 7)
}
