/** What a Millrace agent says of its outbox, as JSON text in a metric of an NDATA message: its counts, and what it gave up. */
import { z } from 'zod'
import { epochMsFine, format, stream, tally } from './fields.ts'

export const edgeCounts = z
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

export const ledger = z
  .object({
    f: format,
    stream,
    through: z.int().describe('After everything up to this number of the stream, the counts were these.'),
    devices: z.record(z.string(), edgeCounts).describe('Cumulative counts by device, since the start of the stream.'),
    floors: z
      .record(z.string(), z.int())
      .describe('Lowest number not yet freed, of every stream that the outbox still holds; numbers below are settled for good.'),
    backlog: z
      .object({ rows: z.int().describe('Batches not yet receipted.'), bytes: z.int().describe('Their bytes.') })
      .optional()
      .describe('What the outbox held when the record was made.'),
    closed: z.boolean().optional().describe('True on the last record of a stream: nothing will be added to it.'),
  })
  .describe('Metric `Millrace/Ledger`, String. `stream` is an earlier one of this agent when it was closed by a restart.')

export const givenUp = z
  .object({
    f: format,
    reason: z
      .enum(['evicted', 'set-aside'])
      .describe('`evicted`: removed at the outbox’s bound. `set-aside`: nobody receipted it.'),
    stream,
    numbers: z
      .array(z.tuple([z.int().describe('First.'), z.int().describe('Last.')]))
      .describe('Ranges of numbers, ascending, that will not be sent (again).'),
    devices: z
      .record(
        z.string(),
        z.array(
          z.object({
            fromMs: epochMsFine('From'),
            toMs: epochMsFine('Until'),
            lost: tally.describe('What they held: [scalar readings, waveform samples].'),
          }),
        ),
      )
      .describe('What they held, by device, in stretches of time; the cloud subtracts what it had already seen.'),
  })
  .describe('Metric `Millrace/Gap`, String: numbers of one stream that the outbox gave up.')

/** Cumulative, by one agent, for one device in one stream. read = batched + filtered + rejected. */
export type EdgeCounts = z.infer<typeof edgeCounts>
/** NDATA `Millrace/Ledger`. */
export type LedgerRecord = z.infer<typeof ledger>
/** NDATA `Millrace/Gap`: numbers of one stream that the outbox will not send (again): removed at its bound, or set aside as poison. */
export type GapRecord = z.infer<typeof givenUp>
