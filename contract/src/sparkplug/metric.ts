/**
 * One metric, message `Payload.Metric`:
 *
 *   1 name           string   in births; in data only where there is no alias
 *   2 alias          uint64   taken up to 2^53 - 1
 *   3 timestamp      uint64   ms since the epoch, UTC; taken up to 2^53 - 1
 *   4 datatype       uint32   see datatype.ts; data messages may leave it out
 *   5 is_historical  bool
 *   6 is_transient   bool
 *   7 is_null        bool
 *   8 metadata       message  skipped
 *   9 properties     message  see properties.ts
 *   10-19 value      oneof    see value.ts
 *
 * As everywhere in protobuf the last of equal fields counts, and fields above 19 are extensions, which are skipped.
 * `scanMetric` finds the fields without making an object; `decodeMetric` makes one.
 */
import { datatypeName, datatypes, type SparkplugDatatype } from './datatype.ts'
import { type PropertySet, readPropertySet, writeSet } from './properties.ts'
import type { Reader } from './reader.ts'
import { type MetricValue, RawValue, readValue, scanValue, writeValue } from './value.ts'
import type { Writer } from './writer.ts'

export interface Metric {
  name?: string
  alias?: number
  /** When the value was captured, epoch ms. */
  timestamp?: number
  /** Must be there when encoding a value. */
  datatype?: SparkplugDatatype
  isHistorical?: boolean
  isTransient?: boolean
  properties?: PropertySet
  /** Null is Sparkplug's `is_null`; undefined when there is neither a value nor a null. */
  value?: MetricValue | null
}

/** Reused from metric to metric. -1 is absent. */
export class MetricScan extends RawValue {
  nameStart = -1
  nameEnd = 0
  alias = -1
  timestamp = -1
  /** 0 is absent. */
  datatype = 0
  historical = false
  transient = false
  isNull = false
  propertiesStart = -1
  propertiesEnd = 0
}

/** Reads the metric whose length comes next. @throws SparkplugError for broken framing, never for a value. */
export function scanMetric(reader: Reader, scan: MetricScan): void {
  const length = reader.length()
  const outer = reader.end
  const start = reader.pos
  const end = start + length
  reader.end = end
  scan.field = 0
  scan.nameStart = -1
  scan.alias = -1
  scan.timestamp = -1
  scan.datatype = 0
  scan.historical = false
  scan.transient = false
  scan.isNull = false
  scan.propertiesStart = -1
  scan.at = start
  while (reader.pos < end) scanField(reader, scan, reader.tag())
  reader.end = outer
}

function scanField(reader: Reader, scan: MetricScan, tag: number): void {
  switch (tag) {
    case 0x0a:
      scan.nameStart = reader.range()
      scan.nameEnd = reader.pos
      break
    case 0x10:
      scan.alias = reader.varint()
      break
    case 0x18:
      scan.timestamp = reader.varint()
      break
    case 0x20:
      scan.datatype = reader.varint()
      break
    case 0x28:
      scan.historical = reader.varint() !== 0
      break
    case 0x30:
      scan.transient = reader.varint() !== 0
      break
    case 0x38:
      scan.isNull = reader.varint() !== 0
      break
    case 0x42:
      reader.range()
      break
    case 0x4a:
      scan.propertiesStart = reader.range()
      scan.propertiesEnd = reader.pos
      break
    default:
      if (!scanValue(reader, scan, tag >>> 3, tag & 7)) reader.skipUnknown(tag, 19)
  }
}

/** The object of what `scanMetric` found. @throws SparkplugError for a value, a name or a property that is not right. */
export function decodeMetric(reader: Reader, scan: MetricScan): Metric {
  const { at } = scan
  const metric: Metric = {}
  if (scan.nameStart >= 0) metric.name = reader.text(scan.nameStart, scan.nameEnd)
  if (scan.alias >= 0) metric.alias = whole(reader, scan.alias, 'alias', at)
  if (scan.timestamp >= 0) metric.timestamp = whole(reader, scan.timestamp, 'timestamp', at)
  if (scan.datatype !== 0) {
    metric.datatype = datatypeName(scan.datatype) ?? reader.fail('unsupported', `datatype ${scan.datatype}`, at)
  }
  if (scan.historical) metric.isHistorical = true
  if (scan.transient) metric.isTransient = true
  if (scan.propertiesStart >= 0) metric.properties = readPropertySet(reader, scan.propertiesStart, scan.propertiesEnd)
  if (scan.isNull) metric.value = null
  else if (scan.field !== 0) metric.value = readValue(reader, metric.datatype, scan)
  return metric
}

/** @throws SparkplugError out-of-range above 2^53 - 1. */
export function whole(reader: Reader, value: number, what: string, at: number): number {
  return value <= Number.MAX_SAFE_INTEGER ? value : reader.fail('out-of-range', `${what} above 2^53 - 1`, at)
}

/**
 * Writes field 2 of a payload; of data without the datatype, which the birth has [tck-id-payloads-metric-datatype-not-req].
 * @throws SparkplugError datatype-mismatch, out-of-range, bad-properties, unsupported.
 */
export function writeMetric(writer: Writer, metric: Metric, isData = false): void {
  const { name, alias, timestamp, datatype, value } = metric
  writer.reserve(64)
  writer.byte(0x12)
  const start = writer.open()
  if (name !== undefined) writer.text(0x0a, name)
  writer.reserve(64)
  if (alias !== undefined) writeWhole(writer, 0x10, alias)
  if (timestamp !== undefined) writeWhole(writer, 0x18, timestamp)
  if (datatype !== undefined && !isData) {
    writer.byte(0x20)
    writer.byte(datatypes[datatype])
  }
  if (metric.isHistorical) writeTrue(writer, 0x28)
  if (metric.isTransient) writeTrue(writer, 0x30)
  if (value === null) writeTrue(writer, 0x38)
  if (metric.properties) writeSet(writer, 0x4a, metric.properties)
  if (value !== null && value !== undefined) {
    if (datatype === undefined) writer.fail('datatype-mismatch', `metric ${name ?? alias} has a value but no datatype`)
    writeValue(writer, datatype, value)
  }
  writer.close(start)
}

/** A field of wire type 0 with a number that is safe and not negative. */
export function writeWhole(writer: Writer, tag: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) writer.fail('out-of-range', `${value} in field ${tag >>> 3}`)
  writer.byte(tag)
  writer.varint(value)
}

function writeTrue(writer: Writer, tag: number): void {
  writer.byte(tag)
  writer.byte(1)
}
