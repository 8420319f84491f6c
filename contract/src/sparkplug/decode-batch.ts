/**
 * The way back from a DDATA to columns, ours or a foreign node's, without an object for each reading.
 *
 * What breaks the framing rejects the whole payload. What is wrong with one metric (an alias that nobody declared, a value not
 * of its datatype, NaN, no timestamp) is told in `problems`, and its neighbours go on.
 */

import { ownOr } from '@millrace/platform'
import { absenceReasons } from '../codes/absences.ts'
import type { BadFrame } from '../ledger.ts'
import type { Absence, Columns, Value } from '../reading.ts'
import type { Channel, Column, Segment, Tally } from '../records/fields.ts'
import { elementBytes, readArray } from './arrays.ts'
import { datatypeName, datatypes, fits } from './datatype.ts'
import { SparkplugError, type SparkplugReason } from './error.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { decodeMetric, type Metric, MetricScan, scanMetric } from './metric.ts'
import { type Note, noteOfAlias, noteOfName } from './notes.ts'
import { readHeader } from './payload.ts'
import { type PropertySet, readPropertySet } from './properties.ts'
import { qualityOf } from './quality.ts'
import { Reader } from './reader.ts'
import { readValue, signed64, unsigned64 } from './value.ts'

export interface DecodedBatch {
  uuid?: string
  seq?: number
  /** When the message was sent, epoch ms. */
  timestamp?: number
  /** Of the first metric, as `peek` has it. */
  historical: boolean
  /** Only channels with something in them. */
  columns: Columns
  bad: BadFrame[]
  /** Named metrics that are not a channel. */
  extra: Metric[]
  problems: MetricProblem[]
}

export interface MetricProblem {
  reason:
    | SparkplugReason
    | 'unknown-alias'
    | 'missing-timestamp'
    | 'missing-interval'
    | 'not-a-number'
    /** A metric that says it has no value; foreign nodes do that. */
    | 'null'
    | 'bad-json'
  /** Place among the payload's metrics, from 0. */
  index: number
  alias?: number
  name?: string
  t?: number
  /** The value as it was found, where it is a scalar. */
  raw?: Value | bigint
  /** Readings and samples that this cost. */
  lost: Tally
}

interface Slot {
  channel: Channel
  /** Of the datatype in the birth. */
  code: number
  column?: Column
  segments?: Segment[]
}

interface Work {
  reader: Reader
  scan: MetricScan
  index: number
  batch: DecodedBatch
  slots: Map<number | string, Slot | null>
  channelOf(key: number | string): Channel | undefined
}

/**
 * `channelOf` is asked once for each alias, and for the name of a metric that has no alias (or one that is unknown).
 * Where a metric leaves its datatype out, the one of the birth counts: `wire` of the channel, else its `datatype`.
 * @throws SparkplugError and nothing else, whatever the bytes.
 */
export function decodeBatch(
  bytes: Uint8Array,
  channelOf: (key: number | string) => Channel | undefined,
  limits: Partial<Limits> = {},
): DecodedBatch {
  const reader = new Reader(bytes, { ...defaultLimits, ...limits })
  const batch: DecodedBatch = { historical: false, columns: { channels: {}, waves: {} }, bad: [], extra: [], problems: [] }
  const work: Work = { reader, scan: new MetricScan(), index: 0, batch, slots: new Map(), channelOf }
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag !== 0x12) readHeader(reader, tag, batch)
    else {
      scanMetric(reader, work.scan)
      if (work.index >= reader.limits.metrics) reader.fail('too-many', `metrics, at most ${reader.limits.metrics}`)
      if (work.index === 0) batch.historical = work.scan.historical
      takeMetric(work)
      work.index++
    }
  }
  return batch
}

function takeMetric(work: Work): void {
  const { scan } = work
  const slot = scan.alias >= 0 ? slotOf(work, scan.alias) : undefined
  if (slot && scan.propertiesStart < 0 && !scan.isNull && scan.timestamp >= 0 && scan.timestamp <= Number.MAX_SAFE_INTEGER) {
    const isAsBorn = scan.datatype === 0 || scan.datatype === slot.code
    const value = isAsBorn ? plainNumber(scan, slot.code) : Number.NaN
    if (value - value === 0 && slot.channel.kind === 'number') return push(work, slot, value, 0)
  }
  takeCarefully(work, slot)
}

/** The common case: a finite number in its proper field. NaN when it is another case. */
function plainNumber(scan: MetricScan, code: number): number {
  const { field, low } = scan
  if (code === datatypes.Int32) return field === 10 ? low : Number.NaN
  if (code === datatypes.UInt32) return field === 10 ? low >>> 0 : Number.NaN
  if (code === datatypes.Int16) return field === 10 && (low << 16) >> 16 === low ? low : Number.NaN
  if (code === datatypes.Float) return field === 12 ? scan.number : Number.NaN
  if (code === datatypes.Double) return field === 13 ? scan.number : Number.NaN
  if (code === datatypes.UInt16 || code === datatypes.UInt8) return isNarrow(scan, code) ? low : Number.NaN
  if (code !== datatypes.Int64 || field !== 11) return Number.NaN
  const wide = signed64(scan)
  return typeof wide === 'number' ? wide : Number.NaN
}

function isNarrow({ field, low }: MetricScan, code: number): boolean {
  return field === 10 && low >= 0 && low <= (code === datatypes.UInt8 ? 0xff : 0xffff)
}

function push({ batch, scan }: Work, slot: Slot, value: Value, quality: number): void {
  // Two aliases of one name share a column.
  slot.column ??= ownOr(batch.columns.channels, slot.channel.name, () => ({ t: [], v: [] }))
  const { column } = slot
  if (quality !== 0) column.q ??= new Array<number>(column.t.length).fill(0)
  column.t.push(scan.timestamp)
  column.v.push(value)
  column.q?.push(quality)
}

function slotOf(work: Work, key: number | string): Slot | null {
  let slot = work.slots.get(key)
  if (slot === undefined) {
    const channel = work.channelOf(key)
    slot = channel ? { channel, code: datatypes[channel.wire ?? channel.datatype] } : null
    work.slots.set(key, slot)
  }
  return slot
}

function takeCarefully(work: Work, slot: Slot | null | undefined): void {
  const { reader } = work
  const { pos, end } = reader
  try {
    if (slot) takeReading(work, slot)
    else takeNamed(work)
  } catch (error) {
    if (!(error instanceof SparkplugError) || error.reason === 'too-many') throw error
    reader.pos = pos
    reader.end = end
    problem(work, error.reason, slot ?? undefined, integerIn(work.scan))
  }
}

/** The digits of an integer that its datatype does not hold. */
function integerIn(scan: MetricScan): number | bigint | undefined {
  return scan.field === 10 || scan.field === 11 ? unsigned64(scan) : undefined
}

function takeNamed(work: Work): void {
  const { reader, scan, batch } = work
  const note = noteOfAlias(scan.alias)
  if (note) return takeNote(work, note)
  if (scan.nameStart < 0) return problem(work, 'unknown-alias')
  const name = reader.text(scan.nameStart, scan.nameEnd)
  const slot = slotOf(work, name)
  if (slot) takeReading(work, slot)
  else if (scan.alias >= 0) problem(work, 'unknown-alias')
  else if (noteOfName(name)) takeNote(work, noteOfName(name)!)
  else batch.extra.push(decodeMetric(reader, scan))
}

function takeNote(work: Work, note: Note): void {
  const { batch } = work
  if (note === 'absence') takeNotes(work, isAbsence, (absences) => addAbsences(batch.columns, absences))
  else takeNotes(work, isBadFrame, (frames) => addFrames(batch.bad, frames))
}

function takeReading(work: Work, slot: Slot): void {
  const { reader, scan } = work
  const { kind } = slot.channel
  if (scan.timestamp < 0) return problem(work, 'missing-timestamp', slot)
  if (scan.timestamp > Number.MAX_SAFE_INTEGER) return problem(work, 'out-of-range', slot)
  if (scan.isNull || scan.field === 0) return problem(work, 'null', slot)
  const properties = scan.propertiesStart < 0 ? undefined : readPropertySet(reader, scan.propertiesStart, scan.propertiesEnd)
  if (kind === 'waveform') return takeSegment(work, slot, properties)
  const value = readValue(reader, nameOfCode(work, slot), scan)
  if (typeof value === 'bigint') return problem(work, 'out-of-range', slot, value)
  if (kind === 'number' && typeof value === 'number' && !Number.isFinite(value)) return problem(work, 'not-a-number', slot, value)
  if (typeof value !== valueTypes[kind]) return problem(work, 'datatype-mismatch', slot, value as Value)
  // Another datatype than the birth's is taken when it says the same: it must not bring in what the channel cannot hold.
  if (kind === 'number' && !fits(slot.channel.datatype, value)) return problem(work, 'datatype-mismatch', slot, value as Value)
  push(work, slot, value as Value, properties ? qualityOf(properties) : 0)
}

const valueTypes = { number: 'number', text: 'string', boolean: 'boolean' } as const

function nameOfCode({ reader, scan }: Work, slot: Slot | undefined) {
  const code = scan.datatype === 0 && slot ? slot.code : scan.datatype
  return datatypeName(code) ?? reader.fail('unsupported', `datatype ${code}`, scan.at)
}

function takeSegment(work: Work, slot: Slot, properties: PropertySet | undefined): void {
  const { reader, scan, batch } = work
  const datatype = nameOfCode(work, slot)
  if (scan.field !== 16 || elementBytes(datatype) === undefined) return problem(work, 'datatype-mismatch', slot)
  const i = properties?.get('intervalMs')?.value ?? slot.channel.intervalMs
  if (typeof i !== 'number' || !(i > 0 && i < Number.POSITIVE_INFINITY)) return problem(work, 'missing-interval', slot)
  const t = properties?.get('startMs')?.value ?? scan.timestamp
  if (typeof t !== 'number' || Math.floor(t) !== scan.timestamp) return problem(work, 'bad-properties', slot)
  const v = readArray(reader, datatype, scan.start, scan.end)
  for (const sample of v) if (!Number.isFinite(sample)) return problem(work, 'not-a-number', slot)
  slot.segments ??= ownOr(batch.columns.waves, slot.channel.name, () => [])
  slot.segments.push({ t, i, v: v as number[] })
}

function takeNotes<T>(work: Work, isNote: (note: unknown) => note is T, take: (notes: T[]) => void): void {
  const { reader, scan } = work
  if (scan.isNull || scan.field !== 15) return problem(work, 'datatype-mismatch')
  const notes = parseList(reader.text(scan.start, scan.end))
  if (notes === undefined) return problem(work, 'bad-json')
  const good = notes.filter(isNote)
  take(good)
  if (good.length < notes.length) problem(work, 'bad-json')
}

function parseList(json: string): unknown[] | undefined {
  try {
    const list: unknown = JSON.parse(json)
    return Array.isArray(list) ? list : undefined
  } catch {
    return undefined
  }
}

function addAbsences(columns: Columns, absences: Absence[]): void {
  if (absences.length > 0) columns.absences = [...(columns.absences ?? []), ...absences]
}

function addFrames(bad: BadFrame[], frames: BadFrame[]): void {
  for (const frame of frames) bad.push(frame)
}

function isAbsence(note: unknown): note is Absence {
  const { channel, t, reason } = (note ?? {}) as Partial<Absence>
  return typeof channel === 'string' && Number.isFinite(t) && absenceReasons.includes(reason!)
}

function isBadFrame(note: unknown): note is BadFrame {
  const { atMs, reason, hex, bytes } = (note ?? {}) as Partial<BadFrame>
  const isHex = typeof hex === 'string' && /^(?:[0-9a-f]{2}){0,256}$/i.test(hex)
  return Number.isFinite(atMs) && typeof reason === 'string' && isHex && Number.isSafeInteger(bytes) && bytes! >= 0
}

function problem(work: Work, reason: MetricProblem['reason'], slot?: Slot, raw?: Value | bigint): void {
  const { scan, batch, index } = work
  const found: MetricProblem = { reason, index, lost: lostOf(work, slot) }
  if (scan.alias >= 0) found.alias = scan.alias
  const name = slot?.channel.name ?? nameOf(work)
  if (name !== undefined) found.name = name
  if (scan.timestamp >= 0 && scan.timestamp <= Number.MAX_SAFE_INTEGER) found.t = scan.timestamp
  if (raw !== undefined) found.raw = raw
  batch.problems.push(found)
}

/** An array costs its samples, a note and what has no value nothing, everything else one reading. */
function lostOf(work: Work, slot: Slot | undefined): Tally {
  const { scan } = work
  if (scan.isNull || scan.field === 0) return [0, 0]
  const datatype = datatypeName(scan.datatype === 0 && slot ? slot.code : scan.datatype)
  const bytes = datatype && scan.field === 16 ? elementBytes(datatype) : undefined
  if (bytes !== undefined) return [0, Math.floor((scan.end - scan.start) / bytes)]
  const name = scan.alias < 0 ? nameOf(work) : undefined
  const note = name === undefined ? noteOfAlias(scan.alias) : noteOfName(name)
  return note && !slot ? [0, 0] : [1, 0]
}

function nameOf({ reader, scan }: Work): string | undefined {
  return scan.nameStart < 0
    ? undefined
    : reader.bytes.toString('utf8', scan.nameStart, Math.min(scan.nameEnd, scan.nameStart + 256))
}
