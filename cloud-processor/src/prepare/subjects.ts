/**
 * Whom a record is about, by the device registry. A reading belongs to the subject of its own time, so that readings over an assignment's
 * beginning or end become a record for each subject.
 */
import {
  type Column,
  type ReadingsRecord,
  type Registry,
  type Segment,
  type SubjectStretch,
  subjectAt,
  subjectsBetween,
  type TimelineRecord,
  timeSpan,
} from '@millrace/contract'
import { setOwn } from '@millrace/platform'

type AboutDevice = Extract<TimelineRecord, { device: string; subject: string }>

/** Of a device of which the registry says something. */
export function bySubject(registry: Registry, record: AboutDevice): AboutDevice[] {
  if (record.k === 'readings') return readingsBySubject(registry, record)
  return [{ ...record, subject: subjectAt(registry, record.device, timeOf(record)) }]
}

/** A declaration says no time: it is of all that the device measures, and the newest reading says of whom that is. */
function timeOf(record: Exclude<AboutDevice, ReadingsRecord>): number {
  if (record.k === 'gap') return record.fromMs
  if (record.k === 'last-known' || record.k === 'edge-alarm') return record.receivedMs
  return record.k === 'declaration' ? Number.MAX_SAFE_INTEGER : record.atMs
}

function readingsBySubject(registry: Registry, record: ReadingsRecord): ReadingsRecord[] {
  const span = timeSpan(record)
  if (!span) return [record]
  const stretches = subjectsBetween(registry, record.device, span.first, span.last + 1)
  if (stretches.length === 1) return [{ ...record, subject: stretches[0]!.subject }]
  return stretches
    .map((stretch) => within(record, stretch))
    .filter(({ channels, waves }) => !isEmpty(channels) || !isEmpty(waves))
}

function within(record: ReadingsRecord, stretch: SubjectStretch): ReadingsRecord {
  const channels: ReadingsRecord['channels'] = {}
  const waves: ReadingsRecord['waves'] = {}
  for (const [name, column] of Object.entries(record.channels)) {
    const part = columnWithin(column, stretch)
    if (part.t.length > 0) setOwn(channels, name, part)
  }
  for (const [name, segments] of Object.entries(record.waves)) {
    const part = segments.map((segment) => segmentWithin(segment, stretch)).filter(({ v }) => v.length > 0)
    if (part.length > 0) setOwn(waves, name, part)
  }
  return { ...record, subject: stretch.subject, channels, waves }
}

/** Times ascend. */
function columnWithin({ t, v, q }: Column, { fromMs, toMs }: SubjectStretch): Column {
  let from = 0
  while (from < t.length && t[from]! < fromMs) from++
  let to = from
  while (to < t.length && t[to]! < toMs) to++
  return { t: t.slice(from, to), v: v.slice(from, to), ...(q ? { q: q.slice(from, to) } : {}) }
}

function segmentWithin({ t, i, v }: Segment, { fromMs, toMs }: SubjectStretch): Segment {
  let from = 0
  while (from < v.length && t + from * i < fromMs) from++
  let to = from
  while (to < v.length && t + to * i < toMs) to++
  return { t: t + from * i, i, v: v.slice(from, to) }
}

const isEmpty = (record: object) => Object.keys(record).length === 0
