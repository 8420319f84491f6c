/**
 * A batch as the payload of one DDATA. Its metrics are in time order across channels (the columns are merged; of equal times
 * the channel that comes first in the columns goes first), each with alias, timestamp and value. Their datatypes are in the birth
 * [tck-id-payloads-metric-datatype-not-req].
 *
 * - A waveform segment is an array metric. Its timestamp is the segment's start, rounded down; property `startMs` (Double)
 *   carries a start that is not whole, property `intervalMs` (Double) an interval other than the channel's declared one.
 * - Absences and bad frames follow as two String metrics, JSON, by their aliases (notes.ts).
 * - `is_historical` is on every metric or on none; see quality.ts for the quality.
 *
 * Float values are rounded to 32 bits here: declare Double where every digit counts.
 */
import { type ClockOffset, encodeClockOffset } from '../clock-offset.ts'
import type { BadFrame } from '../ledger.ts'
import { type BatchName, formatBatchName, nodeMetrics } from '../naming.ts'
import { type Columns, type Datatype, timeSpan } from '../reading.ts'
import type { Column, Segment } from '../records/fields.ts'
import { writeArray } from './arrays.ts'
import { datatypes, fits } from './datatype.ts'
import { writeMetric, writeWhole } from './metric.ts'
import { type Note, noteAlias } from './notes.ts'
import { type PropertySet, writeSet } from './properties.ts'
import { qualityProperties } from './quality.ts'
import { writer } from './writer.ts'

export interface BatchToEncode {
  name: BatchName | string
  /** Its id, from which the notes have their aliases. Absent: they go by their names, as those of agents from before. */
  device?: string
  columns: Columns
  aliasOf(channel: string): number
  datatypeOf(channel: string): Datatype
  /** Declared interval of a waveform; where absent, the interval travels with every segment. */
  intervalMsOf?(channel: string): number | undefined
  bad?: BadFrame[]
  /** When the message is sent, epoch ms. */
  timestamp: number
  seq: number
  historical: boolean
  /** Of the clock that stamped it; absent: nobody knows it. */
  clock?: ClockOffset | undefined
}

/** What one channel has to give. */
interface Series {
  channel: string
  alias: number
  datatype: Datatype
  code: number
  t: number[]
  column?: Column
  segments?: Segment[]
  intervalMs?: number
  next: number
}

/**
 * @throws SparkplugError datatype-mismatch for a value that is not of its channel's datatype, out-of-range for a time that is
 * not a whole number of ms. The agent refuses both (see `fits`) before they get here.
 */
export function encodeBatch(batch: BatchToEncode): Uint8Array {
  const series = seriesOf(batch)
  const name = typeof batch.name === 'string' ? batch.name : formatBatchName(batch.name)
  writer.start().reserve(16)
  writeWhole(writer, 0x08, batch.timestamp)
  mergeSeries(series, batch.historical)
  writeNotes(batch)
  writer.reserve(16)
  writeWhole(writer, 0x18, batch.seq)
  writer.text(0x22, name)
  if (batch.clock) writer.data(0x2a, encodeClockOffset(batch.clock))
  return writer.finish()
}

/** Also asks the caller all its questions, because the writer must not be entered twice. */
function seriesOf(batch: BatchToEncode): Series[] {
  const { channels, waves } = batch.columns
  const all: Series[] = []
  for (const channel in channels) {
    const column = channels[channel]!
    all.push(startSeries(batch, channel, column.t, { column }))
  }
  for (const channel in waves) {
    const segments = waves[channel]!
    const starts = segments.map(({ t }) => Math.floor(t))
    all.push(startSeries(batch, channel, starts, { segments, intervalMs: batch.intervalMsOf?.(channel) }))
  }
  return all
}

type SeriesData = Pick<Series, 'column' | 'segments' | 'intervalMs'>

/** Of one shape, whatever is in it: the merge is fast only so. */
function startSeries(
  { aliasOf, datatypeOf }: BatchToEncode,
  channel: string,
  t: number[],
  { column, segments, intervalMs }: SeriesData,
): Series {
  const datatype = datatypeOf(channel)
  const [alias, code] = [aliasOf(channel), datatypes[datatype]]
  return { channel, alias, datatype, code, t, column, segments, intervalMs, next: 0 }
}

/** Each round writes what is due at one time and finds the next: one round a frame where channels share their times. */
function mergeSeries(all: Series[], historical: boolean): void {
  let now = Number.POSITIVE_INFINITY
  for (const { t } of all) if (t.length > 0 && t[0]! < now) now = t[0]!
  while (now < Number.POSITIVE_INFINITY) {
    let soonest = Number.POSITIVE_INFINITY
    for (let index = 0; index < all.length; index++) {
      const series = all[index]!
      const { t } = series
      let at = series.next
      while (at < t.length && t[at]! <= now) {
        if (series.column) writeReading(series, series.column, at, historical)
        else writeSegment(series, series.segments![at]!, t[at]!, historical)
        at++
      }
      series.next = at
      if (at < t.length && t[at]! < soonest) soonest = t[at]!
    }
    now = soonest
  }
  for (const { channel, t, next } of all) {
    if (next < t.length) writer.fail('out-of-range', `time ${t[next]} of channel ${channel}`)
  }
}

function writeReading(series: Series, column: Column, at: number, historical: boolean): void {
  const start = openMetric(series, column.t[at]!, historical)
  const quality = column.q === undefined ? undefined : qualityProperties[column.q[at]!]
  if (quality) writer.data(0x4a, quality)
  writeScalar(series, column.v[at])
  writer.close(start)
}

function openMetric(series: Series, timestamp: number, historical: boolean): number {
  writer.reserve(96)
  writer.byte(0x12)
  const start = writer.open()
  writeWhole(writer, 0x10, series.alias)
  writeWhole(writer, 0x18, timestamp)
  if (historical) {
    writer.byte(0x28)
    writer.byte(1)
  }
  return start
}

/** As `writeValue` does, for the datatypes that a channel may have. */
function writeScalar(series: Series, value: unknown): void {
  switch (series.code) {
    case datatypes.Int16:
    case datatypes.Int32:
      if (value !== ((value as number) | 0) || (series.code === datatypes.Int16 && !fits('Int16', value)))
        return mismatch(series, value)
      writer.byte(0x50)
      return writer.varint32(value as number)
    case datatypes.Int64:
      if (!Number.isSafeInteger(value)) return mismatch(series, value)
      writer.byte(0x58)
      return writer.varint(value as number)
    case datatypes.Float:
      if (typeof value !== 'number') return mismatch(series, value)
      writer.byte(0x65)
      return writer.float(value)
    case datatypes.Double:
      if (typeof value !== 'number') return mismatch(series, value)
      writer.byte(0x69)
      return writer.double(value)
    case datatypes.Boolean:
      if (typeof value !== 'boolean') return mismatch(series, value)
      writer.byte(0x70)
      return writer.byte(value ? 1 : 0)
    case datatypes.String:
      if (typeof value !== 'string') return mismatch(series, value)
      return writer.text(0x7a, value)
    default:
      return mismatch(series, value)
  }
}

function mismatch({ channel, datatype }: Series, value: unknown): never {
  return writer.fail('datatype-mismatch', `${String(value).slice(0, 40)} in channel ${channel}, which is ${datatype}`)
}

function writeSegment(series: Series, segment: Segment, timestamp: number, historical: boolean): void {
  const start = openMetric(series, timestamp, historical)
  const properties: PropertySet = new Map()
  if (segment.t !== timestamp) properties.set('startMs', { type: 'Double', value: segment.t })
  if (segment.i !== series.intervalMs) properties.set('intervalMs', { type: 'Double', value: segment.i })
  if (properties.size > 0) writeSet(writer, 0x4a, properties)
  writer.reserve(16)
  writer.varint32(0x82)
  const values = writer.open()
  writeArray(writer, series.datatype, segment.v)
  writer.close(values)
  writer.close(start)
}

function writeNotes({ device, columns, bad, historical }: BatchToEncode): void {
  const absences = columns.absences ?? []
  if (absences.length === 0 && !bad?.length) return
  // After everything else, so that the metrics stay in time order.
  const last = (bad ?? []).reduce((latest, { atMs }) => Math.max(latest, atMs), timeSpan(columns)?.last ?? 0)
  const called = (which: Note) => (device === undefined ? { name: nodeMetrics[which] } : { alias: noteAlias(device, which) })
  const note = { timestamp: Math.ceil(last), datatype: 'String', isHistorical: historical } as const
  if (absences.length > 0) writeMetric(writer, { ...note, ...called('absence'), value: JSON.stringify(absences) }, true)
  if (bad?.length) writeMetric(writer, { ...note, ...called('rejected'), value: JSON.stringify(bad) }, true)
}
