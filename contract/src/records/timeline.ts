/** `millrace.timeline`: everything that decisions are made on, in one order for each partition. */
import { z } from 'zod'
import { events } from '../codes/events.ts'
import { edgeAlarm } from './edge-alarms.ts'
import {
  absenceReason,
  channel,
  code,
  column,
  control,
  device,
  epochMs,
  epochMsFine,
  format,
  historical,
  kind,
  node,
  segment,
  stream,
  subject,
  tally,
} from './fields.ts'
import { gatewayOnTimeline } from './gateways.ts'
import { edgeCounts } from './ledger.ts'

export const readings = z
  .object({
    f: format,
    k: kind('readings'),
    subject,
    device,
    stream: stream.optional(),
    number: z.int().optional().describe('Number of the batch within its stream. Absent for sources without an agent.'),
    hist: z.boolean().describe(historical),
    receivedMs: epochMs('When the message arrived at the processor'),
    clock: z
      .object({
        byMs: z.int().describe('Added to the time that the clock at the edge had given: less it, a time is as it was stamped.'),
        uncertaintyMs: z.number().describe('That is right to so many ms either way.'),
      })
      .optional()
      .describe('Where the times were corrected: by how much the clock was off. Absent: they are as they were stamped.'),
    channels: z.record(z.string(), column).describe('Scalar readings by channel name.'),
    waves: z.record(z.string(), z.array(segment)).describe('Waveform segments by channel name.'),
  })
  .describe('Readings of one device, as columns. A reading is identified by device, channel and time.')

export const declaration = z
  .object({
    f: format,
    k: kind('declaration'),
    subject,
    device,
    node,
    channels: z.array(channel).describe('All channels of the device that are known now.'),
  })
  .describe('Channels of a device: before the first readings that use them, and again when they change. The newest one counts.')

export const lastKnown = z
  .object({
    f: format,
    k: kind('last-known'),
    subject,
    device,
    receivedMs: epochMs('When the copy arrived; when it was measured is not known'),
    channels: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])).describe('Raw value by channel name.'),
  })
  .describe(
    'What a retained copy without a time of its own says of a device: its state when somebody published it, nobody knows when. No reading, no sign of life; nothing is decided on it.',
  )

export const gap = z
  .object({
    f: format,
    k: kind('gap'),
    subject,
    device,
    reason: absenceReason,
    channel: z.string().optional().describe('Name of the channel. Absent: every channel of the device.'),
    fromMs: epochMsFine('From when on there is no data'),
    toMs: epochMsFine('Until when. Absent: until the next reading of the channel').optional(),
    lost: tally.optional().describe('What was lost, where it is known: [scalar readings, waveform samples].'),
  })
  .describe('Data that is not there, with its bounds and the reason.')

export const birth = z
  .object({
    f: format,
    k: z.enum(['birth', 'death']).describe('Kind of record.'),
    subject,
    device,
    node,
    atMs: epochMs('When the message that says so arrived'),
    reason: z.string().describe('What said so, for people.'),
  })
  .describe('A device came or went.')

export const nodeState = z
  .object({
    f: format,
    k: kind('node'),
    subject: z.string().describe('The edge node. The record’s key.'),
    node,
    atMs: epochMs('When its ledger record arrived'),
    backlog: z
      .object({ rows: z.int().describe('Batches not yet receipted.'), bytes: z.int().describe('Their bytes.') })
      .describe('What the outbox of the edge node still held.'),
  })
  .describe('How an edge node is doing, by its newest ledger record.')

export const tick = z
  .object({
    f: format,
    k: kind('tick'),
    atMs: epochMs(
      'Time of the raw partition that the record’s source position names; it goes back only where the clock was set back',
    ),
    setMs: z.int().optional().describe('The clock was set ahead by this much before this tick, in ms.'),
    expireMs: epochMs('Where it differs: the time by which readings expire').optional(),
  })
  .describe('One a second for each partition of `millrace.raw`, in every partition of the timeline. Its key is empty.')

const cutCounts = z
  .object({
    edge: edgeCounts,
    evicted: tally.describe('Evicted, and never seen by the cloud: [scalar readings, waveform samples].'),
    rejected: tally.describe(
      'Rejected by the cloud: [scalar readings, waveform samples]. Below 0 when a message held more than its name says.',
    ),
    forwarded: tally.describe('Put on the timeline from numbers up to the cut: [scalar readings, waveform samples].'),
    ahead: tally.describe(
      'Put on the timeline before this record from numbers above the cut: [scalar readings, waveform samples].',
    ),
  })
  .describe('read = filtered + rejected at the edge + evicted + rejected + forwarded, exactly, in readings and in samples.')

export const cut = z
  .object({
    f: format,
    k: kind('cut'),
    node,
    stream,
    through: z.int().describe('Everything of the stream up to this number is settled. Of stream `bridge`: messages so far.'),
    closed: z.boolean().describe('True when nothing will be added to the stream.'),
    devices: z.record(z.string(), cutCounts).describe('Counts by device, since the start of the stream.'),
  })
  .describe(
    'The ledger at a cut: what became of every reading of a stream up to a number. The newest one of a stream and device counts.',
  )

export const controlOnTimeline = z
  .object({ f: format, k: kind('control'), control, atMs: epochMs('When the order was given') })
  .describe('An order that acts on the stages, in every partition of the timeline. Its key is empty.')

export const event = z
  .object({
    f: format,
    k: kind('event'),
    subject,
    device,
    atMs: epochMs('When it happened'),
    level: z.enum(['info', 'warn', 'error']).describe('How much it matters; `error`: something was lost or a person must act.'),
    code: code('What happened', events),
    text: z.string().describe('The same for people.'),
  })
  .describe('A line for people from an agent or a stage.')

export const edgeAlarmOnTimeline = z
  .object({
    f: format,
    k: kind('edge-alarm'),
    subject,
    device,
    node,
    receivedMs: epochMs('When the message arrived at the processor'),
    alarm: edgeAlarm.omit({ device: true }).describe('What the rules of the gateway made.'),
  })
  .describe('A gateway tells what its own rules made of its readings, before the readings that they made it of.')

export const damage = z
  .object({
    f: format,
    k: kind('damage'),
    topic: z.string().describe('Topic of the log whose records cannot be read.'),
    partition: z.int().describe('Partition of that topic.'),
    from: z.int().describe('Offset of the first record that cannot be read.'),
    to: z.int().describe('Offset of the first record after it that can be read.'),
    fromMs: epochMs('When the record before it was appended, where that is known'),
    toMs: epochMs('When the record after it was appended'),
    detail: z.string().describe('What is wrong with it, for people.'),
  })
  .describe(
    'Records of the log that cannot be read: what they held is missing from here on. A cut that then finds readings missing counts them as lost, under a gap with the reason `damaged`.',
  )

export const timelineRecord = z.discriminatedUnion('k', [
  readings,
  declaration,
  lastKnown,
  gap,
  birth,
  nodeState,
  tick,
  cut,
  controlOnTimeline,
  event,
  edgeAlarmOnTimeline,
  gatewayOnTimeline,
  damage,
])

/** Readings of one device. Raw device integers; `scale` and `offset` are in the newest declaration of the device. */
export type ReadingsRecord = z.infer<typeof readings>
/** A device's channels, sent before the first readings that use them and when they change. */
export type DeclarationRecord = z.infer<typeof declaration>
/** State of a device that a retained copy brought. */
export type LastKnownRecord = z.infer<typeof lastKnown>
/** Data that is not there, with bounds and a reason. Charts draw it, rules see it. */
export type GapTimelineRecord = z.infer<typeof gap>
export type BirthRecord = z.infer<typeof birth>
/** How an edge node is doing, from its newest ledger record: what its outbox still holds. */
export type NodeRecord = z.infer<typeof nodeState>
/** One a second for each raw partition. Goes back only where the clock was set back by more than 5 s. */
export type TickRecord = z.infer<typeof tick>
export type CutCounts = z.infer<typeof cutCounts>
/** All numbers up to `through` of `stream` are settled; what each device's counts were at that cut. */
export type CutRecord = z.infer<typeof cut>
export type ControlTimelineRecord = z.infer<typeof controlOnTimeline>
/** A line for people from an agent or a stage: unplugged, replugged, clock jumped. */
export type EventRecord = z.infer<typeof event>
/** An alarm change that a gateway's own rules made. */
export type EdgeAlarmRecord = z.infer<typeof edgeAlarmOnTimeline>
/** In the place of records of the log that cannot be read. */
export type DamageRecord = z.infer<typeof damage>
export type TimelineRecord = z.infer<typeof timelineRecord>
