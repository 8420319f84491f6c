/**
 * What people find in Kibana and OpenSearch Dashboards: searches, charts and one dashboard over the documents of the processor.
 * A field is named by `F`, so one that its kind does not have is an error of the compiler.
 */
import type { Kind, kinds } from '@millrace/cloud-processor/sinks/opensearch-schema'

export type FieldOf<K extends Kind> = keyof (typeof kinds)[K]['fields'] & string

/** Values that a field may have; several conditions hold together. */
export type Query<K extends Kind> = Partial<Record<FieldOf<K>, string[]>>

export interface SavedSearch {
  id: string
  kind: Kind
  title: string
  about: string
  query: Query<Kind>
  columns: string[]
}

export interface Bucket {
  by: 'terms' | 'time'
  field: string
  label: string
  size?: number
}

export interface Chart {
  id: string
  kind: Kind
  title: string
  about: string
  shape: 'bars' | 'pie' | 'table' | 'number'
  query: Query<Kind>
  /** Of bars the first is the axis and the second the colour; a number has none. */
  buckets: Bucket[]
  /** Besides the number of documents. */
  sums: { field: string; label: string }[]
}

/** Of a grid 48 wide. */
export interface Panel {
  shows: string
  x: number
  y: number
  w: number
  h: number
}

interface SearchContent<K extends Kind> {
  id: string
  title: string
  about: string
  columns: FieldOf<K>[]
  query?: Query<K>
}

function search<K extends Kind>(kind: K, { id, title, about, columns, query = {} }: SearchContent<K>): SavedSearch {
  return { id: `millrace-${id}`, kind, title: `Millrace: ${title}`, about, query: query as Query<Kind>, columns }
}

interface ChartContent<K extends Kind> {
  id: string
  shape: Chart['shape']
  title: string
  about: string
  query?: Query<K>
  buckets?: (Bucket & { field: FieldOf<K> })[]
  sums?: { field: FieldOf<K>; label: string }[]
}

function chart<K extends Kind>(kind: K, { id, title, query = {}, buckets = [], sums = [], ...look }: ChartContent<K>): Chart {
  return { id: `millrace-${id}`, kind, title: `Millrace: ${title}`, ...look, query: query as Query<Kind>, buckets, sums }
}

const terms = <F extends string>(field: F, label: string, size = 10) => ({ by: 'terms' as const, field, label, size })
const time = { by: 'time' as const, field: '@timestamp' as const, label: 'Time' }
const byPriority = terms('priority', 'Priority')
const byReason = terms('reason', 'Reason')
const byDevice = terms('device', 'Device')

export const searches: SavedSearch[] = [
  search('alarm-states', {
    id: 'open-alarms',
    title: 'open alarms',
    about: 'Active, or not yet acknowledged.',
    columns: ['priority', 'subject', 'device', 'text', 'raisedMs', 'active', 'acknowledged'],
    query: { open: ['true'] },
  }),
  search('alarms', {
    id: 'alarm-changes',
    title: 'changes of alarms',
    about: 'Raised, acknowledged and cleared, one line each.',
    columns: ['change', 'priority', 'subject', 'device', 'text', 'by', 'note'],
  }),
  search('rejected', {
    id: 'rejected',
    title: 'rejected input',
    about: 'What could not be used, why, and where it was found.',
    columns: ['reason', 'at', 'node', 'device', 'detail', 'lostReadings', 'bytes'],
  }),
  search('events', {
    id: 'events',
    title: 'events',
    about: 'What agents and stages say, births and deaths of devices, orders of people.',
    columns: ['level', 'code', 'node', 'device', 'text', 'by'],
  }),
  search('events', {
    id: 'trouble',
    title: 'warnings and errors',
    about: 'Events that may need action.',
    columns: ['level', 'code', 'device', 'text'],
    query: { level: ['warn', 'error'] },
  }),
  search('events', {
    id: 'orders',
    title: 'orders of people',
    about: 'Who acknowledged what, and who replaced the rules.',
    columns: ['by', 'code', 'alarm', 'text'],
    query: { code: ['CONTROL_ACKNOWLEDGE', 'CONTROL_RULES'] },
  }),
  search('gaps', {
    id: 'gaps',
    title: 'gaps',
    about: 'Data that is not there, from when to when, and why.',
    columns: ['reason', 'subject', 'device', 'channel', 'toMs', 'lostReadings', 'lostSamples'],
  }),
  search('notifications', {
    id: 'notifications',
    title: 'notifications',
    about: 'What was due, and what became of it at each receiver.',
    columns: ['state', 'target', 'priority', 'device', 'text', 'key'],
  }),
]

export const charts: Chart[] = [
  chart('alarm-states', {
    ...{ id: 'open-alarms-count', shape: 'number', title: 'alarms that are open' },
    about: 'Active, or not yet acknowledged.',
    query: { open: ['true'] },
  }),
  chart('alarm-states', {
    ...{ id: 'open-alarms-by-priority', shape: 'pie', title: 'open alarms by priority' },
    about: 'Active, or not yet acknowledged.',
    query: { open: ['true'] },
    buckets: [byPriority],
  }),
  chart('alarms', {
    ...{ id: 'alarms-raised', shape: 'bars', title: 'alarms raised', about: 'By priority.' },
    query: { change: ['raised'] },
    buckets: [time, byPriority],
  }),
  chart('alarms', {
    ...{ id: 'alarms-by-rule', shape: 'table', title: 'alarms raised by rule and device' },
    about: 'What alarms most, to find limits that are set too tight.',
    query: { change: ['raised'] },
    buckets: [terms('rule', 'Rule'), byDevice],
  }),
  chart('events', {
    ...{ id: 'events-by-level', shape: 'bars', title: 'events by level', about: 'Of agents and stages.' },
    buckets: [time, terms('level', 'Level')],
  }),
  chart('events', {
    ...{ id: 'events-by-code', shape: 'table', title: 'events by code', about: 'What happens most.' },
    buckets: [terms('code', 'Code', 20), byDevice],
  }),
  chart('events', {
    ...{ id: 'births-and-deaths', shape: 'bars', title: 'births and deaths of devices' },
    about: 'A device that comes and goes has a bad link or supply.',
    query: { code: ['DEVICE_BIRTH', 'DEVICE_DEATH'] },
    buckets: [time, terms('code', 'What')],
  }),
  chart('rejected', {
    ...{ id: 'rejected-over-time', shape: 'bars', title: 'rejected input by reason', about: 'Messages and frames.' },
    buckets: [time, byReason],
  }),
  chart('rejected', {
    ...{ id: 'rejected-by-reason', shape: 'table', title: 'rejected input by reason and device' },
    about: 'With the readings and samples in it.',
    buckets: [byReason, terms('at', 'Found by'), byDevice],
    sums: [
      { field: 'lostReadings', label: 'Readings' },
      { field: 'lostSamples', label: 'Samples' },
    ],
  }),
  chart('gaps', {
    ...{ id: 'gaps-over-time', shape: 'bars', title: 'gaps by reason', about: 'By when they begin.' },
    buckets: [time, byReason],
  }),
  chart('gaps', {
    ...{ id: 'gaps-by-device', shape: 'table', title: 'gaps by device and reason' },
    about: 'With the readings that are known to be lost.',
    buckets: [terms('device', 'Device', 20), byReason],
    sums: [{ field: 'lostReadings', label: 'Readings lost' }],
  }),
  chart('notifications', {
    ...{ id: 'notifications-by-state', shape: 'pie', title: 'notifications by state', about: 'Due, sent, withheld or refused.' },
    buckets: [terms('state', 'State'), terms('target', 'Receiver')],
  }),
]

export const dashboard = {
  id: 'millrace-operations',
  title: 'Millrace operations',
  about: 'Alarms, events, gaps and what was rejected.',
  panels: [
    { shows: 'millrace-open-alarms-count', x: 0, y: 0, w: 8, h: 10 },
    { shows: 'millrace-open-alarms-by-priority', x: 8, y: 0, w: 12, h: 10 },
    { shows: 'millrace-alarms-raised', x: 20, y: 0, w: 28, h: 10 },
    { shows: 'millrace-open-alarms', x: 0, y: 10, w: 30, h: 14 },
    { shows: 'millrace-alarms-by-rule', x: 30, y: 10, w: 18, h: 14 },
    { shows: 'millrace-events-by-level', x: 0, y: 24, w: 16, h: 10 },
    { shows: 'millrace-births-and-deaths', x: 16, y: 24, w: 16, h: 10 },
    { shows: 'millrace-notifications-by-state', x: 32, y: 24, w: 16, h: 10 },
    { shows: 'millrace-trouble', x: 0, y: 34, w: 30, h: 14 },
    { shows: 'millrace-events-by-code', x: 30, y: 34, w: 18, h: 14 },
    { shows: 'millrace-gaps-over-time', x: 0, y: 48, w: 24, h: 10 },
    { shows: 'millrace-rejected-over-time', x: 24, y: 48, w: 24, h: 10 },
    { shows: 'millrace-gaps-by-device', x: 0, y: 58, w: 24, h: 14 },
    { shows: 'millrace-rejected-by-reason', x: 24, y: 58, w: 24, h: 14 },
    { shows: 'millrace-rejected', x: 0, y: 72, w: 48, h: 16 },
  ] satisfies Panel[],
}
