/**
 * Makes documents of the log's records: what people read, never the readings.
 *
 *     topic     record               document
 *     alarms    alarm                one of `alarms`, and one of `alarm-states` that replaces the alarm's former one
 *               notification         one of `notifications`, state `due`
 *               settled              one of `notifications`, with its state and receiver
 *     timeline  event                one of `events`
 *               birth, death         one of `events`, code DEVICE_BIRTH or DEVICE_DEATH
 *               control              one of `events`, code CONTROL_<TYPE>: who ordered what
 *               gap                  one of `gaps`
 *     rejected  rejected             one of `rejected`
 *
 * Identity: the position of what the record was made from, which stays when the record comes again under another offset. A
 * control record stands in every partition, and what became of a notification has no source: these are known by what they say.
 * An alarm's state is known by log and alarm; its version is the position of the change, so that an older change that comes
 * again cannot replace a newer one. Within one log all changes of an alarm are made from one partition.
 */
import { createHash } from 'node:crypto'
import type {
  AlarmRecord,
  AlarmTopicRecord,
  Control,
  GapTimelineRecord,
  RejectedRecord,
  Source,
  Tally,
  TimelineRecord,
} from '@millrace/contract'
import type { LogRecord } from '../../log/log.ts'
import { identityOf, type Place } from '../sink.ts'
import type { Kind } from './schema.ts'

export interface Document {
  kind: Kind
  id: string
  /** Present where a newer document replaces the older one. */
  version?: number
  /** Decides in which index it is; not always when it happened. */
  atMs: number
  body: Record<string, unknown>
}

export interface DocumentLimits {
  rawBytesMax: number
}

type AnyRecord = TimelineRecord | RejectedRecord | AlarmTopicRecord
type Fields = Record<string, unknown>

/** None for what nobody searches. @throws when the record is not JSON, or not an object. */
export function documentsOf(place: Place, record: LogRecord, limits: DocumentLimits): Document[] {
  if (areReadings(record.value)) return []
  const value: AnyRecord = JSON.parse(new TextDecoder().decode(record.value))
  const one = (kind: Kind, atMs: number, fields: Fields, id = identity(place, record)): Document[] => [
    { kind, id, atMs, body: { '@timestamp': atMs, k: value.k, ...fields, source: record.source } },
  ]
  switch (value.k) {
    case 'alarm':
      return ofAlarm(one('alarms', value.atMs, alarmFields(value)), value, record)
    case 'notification':
      return one('notifications', value.alarm.atMs, { ...briefly(value.alarm), key: value.key, state: 'due' })
    case 'settled': {
      const { key, state, target } = value
      const settledId = `settled:${hash(`${state}:${target}:${key}`)}`
      return one('notifications', value.atMs, { ...alarmOfKey(key), key, state, target }, settledId)
    }
    case 'event': {
      const { subject, device, level, code, text } = value
      return one('events', value.atMs, { subject, device, level, code, text })
    }
    case 'birth':
    case 'death': {
      const { subject, device, node, reason: text } = value
      return one('events', value.atMs, { subject, device, node, level: 'info', code: `DEVICE_${value.k.toUpperCase()}`, text })
    }
    case 'control': {
      const orderId = `control:${value.atMs}:${hash(JSON.stringify(value.control))}`
      return one('events', value.atMs, orderFields(value.control), orderId)
    }
    case 'gap':
      return one('gaps', value.fromMs, gapFields(value))
    case 'rejected':
      return one('rejected', value.atMs, rejectedFields(value, limits))
    default:
      return []
  }
}

/** Most of the timeline, and most of its bytes: known by their beginning, unparsed. In JSON no text can hold these quotes. */
function areReadings(value: Uint8Array): boolean {
  return Buffer.from(value.buffer, value.byteOffset, Math.min(value.length, 250)).includes('"k":"readings"')
}

/** At most 512 bytes, which is the most that an id may have. Exported for its test. */
export function identity(place: Place, record: LogRecord): string {
  const id = identityOf(place, record)
  return Buffer.byteLength(id) <= 512 ? id : hash(id)
}

function ofAlarm(change: Document[], alarm: AlarmRecord, { source, offset }: LogRecord): Document[] {
  const state = change.map((document) => ({
    ...document,
    kind: 'alarm-states' as const,
    id: hash(`${source?.log ?? ''}:${alarm.id}`),
    version: versionOf(source ?? { offset, index: 0 }),
    atMs: alarm.raisedMs,
  }))
  return [...change, ...state]
}

/** Rises with the position; a record whose changes of one alarm are beyond the 65,536th output leaves them in their order. */
function versionOf({ offset, index }: Pick<Source, 'offset' | 'index'>): number {
  return 1 + offset * 65_536 + Math.min(index, 65_535)
}

function alarmFields(alarm: AlarmRecord): Fields {
  const { f: _, k: __, atMs: ___, ...fields } = alarm
  return { ...fields, open: alarm.active || !(alarm.acknowledged || alarm.unannounced) }
}

function briefly({ id, rule, subject, device, channel, priority, retrospective, technical, text, change }: AlarmRecord): Fields {
  return { id, rule, subject, device, channel, priority, retrospective, technical, text, change }
}

/** A notification's key is `<alarm id>#<change>`. */
function alarmOfKey(key: string): Fields {
  const at = key.lastIndexOf('#')
  return at < 0 ? {} : { id: key.slice(0, at), change: key.slice(at + 1) }
}

function orderFields(control: Control): Fields {
  const fields = { level: 'info', by: control.by, code: `CONTROL_${control.type.replaceAll('-', '_').toUpperCase()}` }
  if (control.type === 'acknowledge') return { ...fields, alarm: control.alarm, text: control.note ?? 'alarm acknowledged' }
  if (control.type === 'comment') return { ...fields, alarm: control.alarm, text: control.note }
  if (control.type === 'audit') return { ...fields, text: `${control.action} ${control.target}` }
  if ('channel' in control)
    return { ...fields, text: `${control.rule} ${control.device} ${control.channel}: ${control.reason ?? control.type}` }
  return { ...fields, text: control.type === 'rules' ? 'alarm rules replaced' : 'rejected message tried again' }
}

function gapFields({ subject, device, channel = '*', reason, toMs, lost }: GapTimelineRecord): Fields {
  return { subject, device, channel, reason, toMs, ...lostFields(lost) }
}

function rejectedFields(rejected: RejectedRecord, { rawBytesMax }: DocumentLimits): Fields {
  const { f: _, k: __, atMs: ___, lost, bytesBase64, ...fields } = rejected
  const bytes = Buffer.byteLength(bytesBase64, 'base64')
  const kept = bytesBase64.slice(0, Math.ceil(rawBytesMax / 3) * 4)
  return { ...fields, ...lostFields(lost), bytes, bytesBase64: kept }
}

function lostFields(lost: Tally | undefined): Fields {
  return lost ? { lostReadings: lost[0], lostSamples: lost[1] } : {}
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
