/**
 * The published schema of the topics, as one AsyncAPI 3.0 document. Objects are open: a later version may add a field under the
 * same format version, and a reader ignores what it does not know.
 */
import { z } from 'zod'
import { nodeMetrics } from '../naming.ts'
import * as alarms from '../records/alarms.ts'
import { edgeAlarms } from '../records/edge-alarms.ts'
import * as fields from '../records/fields.ts'
import * as gateways from '../records/gateways.ts'
import { headers } from '../records/headers.ts'
import * as ledger from '../records/ledger.ts'
import * as raw from '../records/raw.ts'
import { rejectedRecord } from '../records/rejected.ts'
import * as timeline from '../records/timeline.ts'
import { topics } from '../timeline.ts'

type Json = Record<string, unknown>

const about = `Millrace keeps its event log in four topics. What devices sent is in \`${topics.raw}\` as it came; the stages make
the other three from it. Every record that a stage made can be read by this document.

**Values** are JSON in UTF-8, one object, with \`f\` (format version) and \`k\` (kind); only \`${topics.raw}\` has an envelope of its
own. Ignore kinds and fields that you do not know; refuse another \`f\`. Batches are compressed with zstd.
An installation may give its topics another prefix than \`millrace.\`, and other numbers of partitions and replicas.

**Times** are epoch milliseconds (UTC) of the event, unless a field says that it is the time of arrival. **Readings** are columns of
the device's own numbers: value = raw × scale + offset, by the newest declaration of the device in the same partition.
**Quality** is 0 good, 1 uncertain, 2 bad. **No data** is not a value but a gap with a reason: no value is ever null.
NaN and the infinities are never written: such a reading is rejected. 64-bit integers are JSON numbers and always within ±(2^53 − 1);
one beyond that is rejected. Both are then in \`${topics.rejected}\` with the reason and the bytes that they came in.

**Order.** A partition is one total order. The key is the device on the timeline and the subject of alarms, so all of one is in one partition:
FNV-1a (32 bit) of the key's UTF-8 bytes modulo the number of partitions. Records with an empty key stand in every partition, or
in those that they concern.

**Repeats.** After a crash a stage makes its last outputs again, so a topic may hold a record twice. Each carries its source position
in headers: log, partition and offset of the record that it was made from, and its index among that record's outputs.
**The reader's rule: for each partition that you read, and in it for each (source log, source partition), keep the highest
(offset, index) that you took as your mark; ignore a record whose (offset, index) is not above it.** Keep the marks with your own read
offset, so that both come back together. A reader that follows the rule sees each record exactly once.`

/** As the Kafka log makes them unless its configuration says otherwise; Millrace trims the topics by itself. */
const kafka = {
  partitions: 4,
  replicas: 3,
  topicConfiguration: { 'cleanup.policy': ['delete'], 'retention.ms': -1, 'retention.bytes': -1 },
  bindingVersion: '0.5.0',
}

interface Published {
  title: string
  description: string
  key: string
  /** `raw` is what others brought in: it has no source position. */
  hasHeaders: boolean
  messages: Record<string, z.ZodType | string>
}

const channels: Record<keyof typeof topics, Published> = {
  raw: {
    title: 'Messages as they came',
    description: 'The master data set: everything else can be made from it again. Not meant for other readers.',
    key: 'Edge node `<group>/<node>`, or the MQTT topic of a plain device; `tick`; `control` for orders. Both are in every partition.',
    hasHeaders: false,
    messages: { RawMessage: raw.rawMessageLayout, RawTick: raw.rawTick, RawControl: raw.rawControl },
  },
  timeline: {
    title: 'Everything that decisions are made on',
    description: 'Readings, what is missing and why, devices that come and go, time, counts and orders, in one order.',
    key: 'Subject; empty for ticks and orders, which are in every partition; of a cut one of its devices, or empty.',
    hasHeaders: true,
    messages: {
      Readings: timeline.readings,
      Declaration: timeline.declaration,
      LastKnown: timeline.lastKnown,
      Gap: timeline.gap,
      Birth: timeline.birth,
      Node: timeline.nodeState,
      Tick: timeline.tick,
      Cut: timeline.cut,
      Control: timeline.controlOnTimeline,
      Event: timeline.event,
      EdgeAlarm: timeline.edgeAlarmOnTimeline,
      Gateway: gateways.gatewayOnTimeline,
    },
  },
  rejected: {
    title: 'What could not be used',
    description: 'Each with its reason and its bytes, to be tried again after a fix.',
    key: 'Edge node `<group>/<node>`, or the MQTT topic of a plain device.',
    hasHeaders: true,
    messages: { Rejected: rejectedRecord },
  },
  alarms: {
    title: 'Changes of alarms',
    description: 'Changes of the state of alarms, and the notifications that are due for them.',
    key: 'Subject.',
    hasHeaders: true,
    messages: { Alarm: alarms.alarm, Notification: alarms.notification },
  },
}

export function asyncApi(): Json {
  return {
    asyncapi: '3.0.0',
    info: { title: 'Millrace event log', version: '1.0.0', description: about, license: { name: 'Apache-2.0' } },
    defaultContentType: 'application/json',
    channels: mapValues(channels, channelOf),
    operations: Object.fromEntries(
      Object.keys(channels).map((name) => [`follow-${name}`, { action: 'send', channel: { $ref: `#/channels/${name}` } }]),
    ),
    components: {
      messages: Object.assign(
        {},
        ...Object.values(channels).map((one) => mapValues(one.messages, (_, name) => messageOf(one, name))),
      ),
      schemas: schemas(),
    },
  }
}

function channelOf({ title, description, messages }: Published, name: string): Json {
  return {
    address: topics[name as keyof typeof topics],
    title,
    description,
    messages: mapValues(messages, (_, message) => ({ $ref: `#/components/messages/${message}` })),
    bindings: { kafka },
  }
}

function messageOf({ key, hasHeaders, messages }: Published, name: string): Json {
  const content = messages[name]!
  const isBinary = typeof content === 'string'
  return {
    name,
    summary: isBinary ? 'A message as it came.' : content.description,
    contentType: isBinary ? 'application/octet-stream' : 'application/json',
    ...(hasHeaders ? { headers: { $ref: '#/components/schemas/Headers' } } : {}),
    payload: isBinary ? { type: 'string', format: 'binary', description: content } : { $ref: `#/components/schemas/${name}` },
    ...(isBinary ? { 'x-sparkplug-metrics': mapValues(agentMetrics, (_, metric) => ({ $ref: metricSchema(metric) })) } : {}),
    bindings: { kafka: { key: { type: 'string', description: key }, bindingVersion: kafka.bindingVersion } },
  }
}

/** JSON text in metrics of our own agents' NDATA, inside a message as it came. */
const agentMetrics = {
  [nodeMetrics.ledger]: ledger.ledger,
  [nodeMetrics.gap]: ledger.givenUp,
  [nodeMetrics.alarm]: edgeAlarms,
  [nodeMetrics.report]: gateways.gatewayReport,
}
const metricId = (metric: string) => metric.replace('Millrace/', 'Agent')
const metricSchema = (metric: string) => `#/components/schemas/${metricId(metric)}`

/** Every schema that has a name; the others are inlined. */
function schemas(): Record<string, Json> {
  const named = z.registry<{ id: string }>()
  const add = (id: string, schema: z.ZodType) => named.add(schema, { id })
  for (const { messages } of Object.values(channels))
    for (const [name, content] of Object.entries(messages)) if (typeof content !== 'string') add(name, content)
  for (const [metric, schema] of Object.entries(agentMetrics)) add(metricId(metric), schema)
  add('Channel', fields.channel)
  add('Column', fields.column)
  add('Segment', fields.segment)
  add('Order', fields.control)
  add('Headers', headers)
  const made = z.toJSONSchema(named, { io: 'input', target: 'draft-7', uri: (id) => `#/components/schemas/${id}` })
  return mapValues(made.schemas, ({ $schema, $id, ...schema }) => schema)
}

function mapValues<A, B>(of: Record<string, A>, make: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, make(value, key)]))
}
