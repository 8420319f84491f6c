/**
 * What other programs read: one message for each reading, segment of a waveform, and change of an alarm. README.md has one of each.
 *
 *     key      the subject
 *     value    plain JSON
 *     headers  of a CloudEvent 1.0 in Kafka's binary content mode, with the extension `partitionkey`
 *
 * `ce_id` is the identity of the record that it was made from and its number among those of that record: the same each time.
 */
import {
  type AlarmRecord,
  type AlarmTopicRecord,
  type Column,
  qualityCodes,
  type ReadingsRecord,
  type Segment,
  scaled,
  type TimelineRecord,
  type Value,
} from '@millrace/contract'
import type { LogRecord } from '../../log/log.ts'
import type { Declared, DeclaredChannel } from '../declared.ts'
import { identityOf, type Place } from '../sink.ts'

export interface Message {
  key: string
  value: string
  headers: Record<string, string>
  /** When the record was appended to our log, epoch ms. That of a reading may be beyond what a broker takes. */
  timestamp: string
}

type Fields = Record<string, unknown>
/** Makes a message of fields: about whom, when, and what. */
type Add = (type: string, subject: string, atMs: number, fields: Fields) => void

const qualities = Object.fromEntries(Object.entries(qualityCodes).map(([name, code]) => [code, name]))
/** None for what is neither. @throws when the record cannot be read */
export function messagesOf(
  place: Place,
  record: LogRecord,
  { declared, source }: { declared: Declared; source: string },
): Message[] {
  const value: TimelineRecord | AlarmTopicRecord = JSON.parse(Buffer.from(record.value).toString())
  const messages: Message[] = []
  // What prepare and rules made have positions in two topics of one log.
  const identity = `${place.topic}:${identityOf(place, record)}`
  const add: Add = (type, subject, atMs, fields) => {
    const id = `${identity}:${messages.length}`
    messages.push(messageOf({ id, type, subject, atMs, source, fields, timeMs: record.timeMs }))
  }
  if (value.k === 'declaration') declared.take(place.partition, value)
  else if (value.k === 'readings') ofReadings(value, declared.of(place.partition, value.device), add)
  else if (value.k === 'alarm') ofAlarm(value, add)
  return messages
}

interface Event {
  id: string
  type: string
  subject: string
  atMs: number
  source: string
  fields: Fields
  timeMs: number
}

function messageOf({ id, type, subject, atMs, source, fields, timeMs }: Event): Message {
  const time = new Date(atMs).toISOString()
  return {
    key: subject,
    value: JSON.stringify({ eventId: id, subject, time, timeMs: atMs, ...fields }),
    headers: {
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: source,
      ce_type: `millrace.${type}.v1`,
      ce_time: time,
      ce_subject: subject,
      ce_partitionkey: subject,
      'content-type': 'application/json',
    },
    timestamp: String(timeMs),
  }
}

function ofReadings(
  { subject, device, hist, channels, waves }: ReadingsRecord,
  known: Map<string, DeclaredChannel>,
  add: Add,
): void {
  const common = (channel: string) => {
    const { unit, code } = known.get(channel) ?? {}
    return { device, channel, unit, code, historical: hist }
  }
  for (const [channel, column] of Object.entries(channels)) {
    column.t.forEach((atMs, k) => {
      add('reading', subject, atMs, { ...common(channel), ...readingOf(column, k, known.get(channel)) })
    })
  }
  for (const [channel, segments] of Object.entries(waves)) {
    for (const segment of segments)
      add('waveform', subject, segment.t, { ...common(channel), ...samplesOf(segment, known.get(channel)) })
  }
}

/** What has no declaration is given as the device's own integers, under another name: nobody takes it for a value with a unit. */
function readingOf({ v, q }: Column, k: number, channel: DeclaredChannel | undefined): Fields {
  const quality = qualities[q?.[k] ?? 0]
  return channel ? { value: inUnit(v[k]!, channel), quality } : { raw: v[k], quality }
}

function samplesOf({ i: intervalMs, v }: Segment, channel: DeclaredChannel | undefined): Fields {
  return channel ? { intervalMs, samples: v.map((sample) => inUnit(sample, channel)) } : { intervalMs, rawSamples: v }
}

/** 972 of a tenth is 97.2: the digits that only binary fractions have are left away. */
function inUnit(raw: Value, channel: DeclaredChannel): Value {
  return typeof raw === 'number' ? Number(scaled(raw, channel).toPrecision(12)) : raw
}

function ofAlarm({ f: _, k: __, subject, atMs, ...fields }: AlarmRecord, add: Add): void {
  add('alarm', subject, atMs, fields)
}
