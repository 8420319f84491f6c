/** `millrace.timeline`: everything that decisions are made on, in one order for each partition. */
import { z } from 'zod'
import {
  absenceReason,
  channel,
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

const edgeCounts = z
  .object({
    read: tally.describe('Decoded from good frames: [scalar readings, waveform samples].'),
    filtered: tally.describe('Held back by report by exception: [scalar readings, waveform samples].'),
    rejected: tally.describe('Refused at the edge: [scalar readings, waveform samples].'),
    evicted: tally.describe(
      'Removed at the outbox’s bound, whether or not the cloud had them: [scalar readings, waveform samples].',
    ),
    frames: z
      .tuple([z.int().describe('Good frames.'), z.int().describe('Bad frames.')])
      .describe('Frames on the line: [good, bad].'),
  })
  .describe('What the edge agent counted for the device, since the start of the stream. Source without an agent: only `read`.')

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
    code: z.string().describe('What happened, stable: `LEDGER_FREED_UNSEEN`.'),
    text: z.string().describe('The same for people.'),
  })
  .describe('A line for people from an agent or a stage.')

export const timelineRecord = z.discriminatedUnion('k', [
  readings,
  declaration,
  gap,
  birth,
  nodeState,
  tick,
  cut,
  controlOnTimeline,
  event,
])
