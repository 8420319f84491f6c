/** `millrace.rejected`: what could not be used. */
import { z } from 'zod'
import { rejections } from '../codes/rejections.ts'
import { code, epochMs, format, kind, tally } from './fields.ts'

export const rejectedRecord = z
  .object({
    f: format,
    k: kind('rejected'),
    reason: code('Why', rejections),
    detail: z.string().describe('What exactly, for people.'),
    at: z.enum(['edge', 'bridge', 'prepare', 'store']).describe('Where it was found.'),
    node: z.string().optional().describe('Edge node, `<group>/<node>`, where it is known.'),
    device: z.string().optional().describe('Name of the device on the timeline, where it is known.'),
    channel: z.string().optional().describe('Name of the channel, where all that was rejected is of one.'),
    lost: tally.describe(
      'Counted as rejected by this record: [scalar readings, waveform samples]. Below 0 when a message held more than its name says.',
    ),
    atMs: epochMs('When the message arrived'),
    topic: z
      .string()
      .optional()
      .describe('MQTT topic of the message. Absent: `bytesBase64` is not a message and cannot be replayed.'),
    receivedMs: epochMs('When the message arrived').optional(),
    retain: z.boolean().optional().describe('True where it was a retained copy that a subscription brought.'),
    bytesBase64: z.string().describe('Base64 of the whole message as it came, or, without a `topic`, of the bad frame.'),
  })
  .describe('A message, or a frame from a device, that could not be used whole, with its bytes.')

export type RejectedRecord = z.infer<typeof rejectedRecord>
