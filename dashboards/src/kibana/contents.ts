/**
 * What people find in Kibana and OpenSearch Dashboards: searches, charts and one dashboard over the documents of the processor.
 * A field is named by `F`, so one that its kind does not have is an error of the compiler.
 */
import type { Kind, kinds } from '@millrace/cloud-processor/stores/opensearch-schema'

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

function search<K extends Kind>(kind: K, id: string, title: string, about: string, columns: FieldOf<K>[], query: Query<K> = {}) {
  return { id: `millrace-${id}`, kind, title: `Millrace: ${title}`, about, query, columns } as SavedSearch
}

interface ChartOptions<K extends Kind> {
  query?: Query<K>
  buckets?: (Bucket & { field: FieldOf<K> })[]
  sums?: { field: FieldOf<K>; label: string }[]
}

function chart<K extends Kind>(
  kind: K,
  shape: Chart['shape'],
  id: string,
  title: string,
  about: string,
  more: ChartOptions<K>,
): Chart {
  const { query = {}, buckets = [], sums = [] } = more
  return { id: `millrace-${id}`, kind, shape, title: `Millrace: ${title}`, about, query: query as Query<Kind>, buckets, sums }
}

const terms = <F extends string>(field: F, label: string, size = 10) => ({ by: 'terms' as const, field, label, size })
const time = { by: 'time' as const, field: '@timestamp' as const, label: 'Time' }

export const searches: SavedSearch[] = [
  search(
    'alarm-states',
    'open-alarms',
    'open alarms',
    'Active, or not yet acknowledged.',
    ['priority', 'subject', 'device', 'text', 'raisedMs', 'active', 'acknowledged'],
    { open: ['true'] },
  ),
  search('alarms', 'alarm-changes', 'changes of alarms', 'Raised, acknowledged and cleared, one line each.', [
    'change',
    'priority',
    'subject',
    'device',
    'text',
    'by',
    'note',
  ]),
  search('rejected', 'rejected', 'rejected input', 'What could not be used, why, and where it was found.', [
    'reason',
    'at',
    'node',
    'device',
    'detail',
    'lostReadings',
    'bytes',
  ]),
  search('events', 'events', 'events', 'What agents and stages say, births and deaths of devices, orders of people.', [
    'level',
    'code',
    'node',
    'device',
    'text',
    'by',
  ]),
  search(
    'events',
    'trouble',
    'warnings and errors',
    'Events that somebody may have to act on.',
    ['level', 'code', 'device', 'text'],
    { level: ['warn', 'error'] },
  ),
  search(
    'events',
    'orders',
    'orders of people',
    'Who acknowledged what, and who replaced the rules.',
    ['by', 'code', 'alarm', 'text'],
    { code: ['CONTROL_ACKNOWLEDGE', 'CONTROL_RULES'] },
  ),
  search('gaps', 'gaps', 'gaps', 'Data that is not there, from when to when, and why.', [
    'reason',
    'subject',
    'device',
    'channel',
    'toMs',
    'lostReadings',
    'lostSamples',
  ]),
  search('notifications', 'notifications', 'notifications', 'What was due, and what became of it at each receiver.', [
    'state',
    'target',
    'priority',
    'device',
    'text',
    'key',
  ]),
]

export const charts: Chart[] = [
  chart('alarm-states', 'number', 'open-alarms-count', 'alarms that are open', 'Active, or not yet acknowledged.', {
    query: { open: ['true'] },
  }),
  chart('alarm-states', 'pie', 'open-alarms-by-priority', 'open alarms by priority', 'Active, or not yet acknowledged.', {
    query: { open: ['true'] },
    buckets: [terms('priority', 'Priority')],
  }),
  chart('alarms', 'bars', 'alarms-raised', 'alarms raised', 'By priority.', {
    query: { change: ['raised'] },
    buckets: [time, terms('priority', 'Priority')],
  }),
  chart(
    'alarms',
    'table',
    'alarms-by-rule',
    'alarms raised by rule and device',
    'What alarms most, to find limits that are set too tight.',
    { query: { change: ['raised'] }, buckets: [terms('rule', 'Rule'), terms('device', 'Device')] },
  ),
  chart('events', 'bars', 'events-by-level', 'events by level', 'Of agents and stages.', {
    buckets: [time, terms('level', 'Level')],
  }),
  chart('events', 'table', 'events-by-code', 'events by code', 'What happens most.', {
    buckets: [terms('code', 'Code', 20), terms('device', 'Device')],
  }),
  chart(
    'events',
    'bars',
    'births-and-deaths',
    'births and deaths of devices',
    'A device that comes and goes has a bad link or supply.',
    { query: { code: ['DEVICE_BIRTH', 'DEVICE_DEATH'] }, buckets: [time, terms('code', 'What')] },
  ),
  chart('rejected', 'bars', 'rejected-over-time', 'rejected input by reason', 'Messages and frames.', {
    buckets: [time, terms('reason', 'Reason')],
  }),
  chart(
    'rejected',
    'table',
    'rejected-by-reason',
    'rejected input by reason and device',
    'With the readings and samples in it.',
    {
      buckets: [terms('reason', 'Reason'), terms('at', 'Found by'), terms('device', 'Device')],
      sums: [
        { field: 'lostReadings', label: 'Readings' },
        { field: 'lostSamples', label: 'Samples' },
      ],
    },
  ),
  chart('gaps', 'bars', 'gaps-over-time', 'gaps by reason', 'By when they begin.', {
    buckets: [time, terms('reason', 'Reason')],
  }),
  chart('gaps', 'table', 'gaps-by-device', 'gaps by device and reason', 'With the readings that are known to be lost.', {
    buckets: [terms('device', 'Device', 20), terms('reason', 'Reason')],
    sums: [{ field: 'lostReadings', label: 'Readings lost' }],
  }),
  chart('notifications', 'pie', 'notifications-by-state', 'notifications by state', 'Due, sent, withheld or refused.', {
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
