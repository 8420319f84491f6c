/**
 * The documents: their kinds, and the fields of each. The one source of the index templates, and of every field that an object
 * in dashboards/kibana names. A field that is not here is kept in the document and cannot be searched.
 */

/** `bytes` is kept and not searched. */
export type FieldType = 'keyword' | 'text' | 'date' | 'long' | 'double' | 'boolean' | 'bytes'
export interface Field {
  type: FieldType
  about: string
}
type Fields = Record<string, Field>

/** Raised when `kinds` changes; a template of an earlier version is replaced when a writer starts, one of a later version is kept. */
export const schemaVersion = 1

const field = (type: FieldType, about: string): Field => ({ type, about })

const everywhere = {
  '@timestamp': field('date', 'When it happened'),
  k: field('keyword', 'Kind of the record in the log that this was made from'),
  'source.log': field('keyword', 'Id of the log that holds what the record was made from'),
  'source.partition': field('long', 'and where in it'),
  'source.offset': field('long', 'and where in it'),
  'source.index': field('long', 'Index among what was made from there'),
} satisfies Fields

const subject = field('keyword', 'What is measured; by default the device')
const device = field('keyword', 'Name of the device')
const channel = field('keyword', 'Name of the channel; `*` is every channel of the device')
const node = field('keyword', 'Edge node, `<group>/<node>`')

const ofAlarm = {
  id: field('keyword', 'One occurrence of the alarm'),
  rule: field('keyword', 'Name of the rule'),
  subject,
  device,
  channel,
  priority: field('keyword', 'low, medium or high'),
  retrospective: field('boolean', 'Made from late data, and never notified'),
  technical: field('boolean', 'About missing data, not about values'),
  text: field('text', 'For people'),
} satisfies Fields

const alarm = {
  ...ofAlarm,
  change: field('keyword', 'raised, cleared, acknowledged, suppressed, shelved and others'),
  active: field('boolean', 'Whether the condition holds'),
  acknowledged: field('boolean', 'Whether somebody has acknowledged it'),
  open: field('boolean', 'Active, or not yet acknowledged'),
  raisedMs: field('date', 'When the alarm was raised'),
  clearedMs: field('date', 'When it cleared'),
  acknowledgedMs: field('date', 'When it was acknowledged'),
  by: field('keyword', 'Who acknowledged it'),
  note: field('text', 'What was said with it'),
  value: field('double', 'What was measured, in `unit`'),
  unit: field('keyword', 'UCUM'),
} satisfies Fields

export const kinds = {
  alarms: { about: 'Every change of an alarm', fields: { ...everywhere, ...alarm } },
  'alarm-states': { about: 'The newest state of each alarm', fields: { ...everywhere, ...alarm } },
  notifications: {
    about: 'Notifications that were due, and what became of them',
    fields: {
      ...everywhere,
      ...ofAlarm,
      key: field('keyword', 'What a receiver knows a repeat by'),
      state: field('keyword', 'due, sent, withheld or refused'),
      target: field('keyword', 'Name of the receiver'),
      change: field('keyword', 'Of the alarm: raised or cleared'),
    },
  },
  events: {
    about: 'What agents and stages tell people, births and deaths of devices, and orders of people',
    fields: {
      ...everywhere,
      subject,
      device,
      node,
      level: field('keyword', 'info, warn or error'),
      code: field('keyword', 'What happened'),
      text: field('text', 'For people'),
      by: field('keyword', 'Who gave the order'),
      alarm: field('keyword', 'Which alarm the order was about'),
    },
  },
  gaps: {
    about: 'Data that is not there',
    fields: {
      ...everywhere,
      subject,
      device,
      channel,
      reason: field('keyword', 'Why'),
      toMs: field('date', 'Its end; absent where it lasts until the next reading'),
      lostReadings: field('long', 'Where known'),
      lostSamples: field('long', 'Where known'),
    },
  },
  rejected: {
    about: 'What could not be used',
    fields: {
      ...everywhere,
      node,
      device,
      channel,
      reason: field('keyword', 'Code of the error catalogue'),
      detail: field('text', 'What exactly'),
      at: field('keyword', 'Where it was found: edge, bridge, prepare or store'),
      topic: field('keyword', 'MQTT topic of the message'),
      receivedMs: field('date', 'When the message arrived'),
      lostReadings: field('long', 'Scalar readings counted as rejected'),
      lostSamples: field('long', 'Waveform samples counted as rejected'),
      bytes: field('long', 'Length of the raw bytes'),
      bytesBase64: field('bytes', 'The raw bytes, from their beginning'),
    },
  },
} as const satisfies Record<string, { about: string; fields: Fields }>

export type Kind = keyof typeof kinds
export const kindNames = Object.keys(kinds) as Kind[]
