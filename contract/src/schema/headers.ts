/** Kafka record headers: CloudEvents 1.0 in binary mode, with the source position as extension attributes. Values are UTF-8 text. */
import { z } from 'zod'

const cloudEvent = {
  ce_specversion: z.literal('1.0').describe('Version of CloudEvents.'),
  ce_id: z.string().describe('Unique together with `ce_source`; a repeat of a record has the same.'),
  ce_source: z.string().describe('What made the record.'),
  ce_type: z.string().describe('Type of record.'),
}
const wholeNumber = (what: string) => z.string().regex(/^\d+$/).describe(`${what} Decimal digits.`)

export const brought = z.object(cloudEvent).describe('Headers of what the bridge brings in: it has no source position.')

export const made = z
  .object({
    ...cloudEvent,
    ce_millracelog: z.string().describe('Id of the log that the record was made from. A log made anew has another.'),
    ce_millracepartition: wholeNumber('Partition of the input that the record was made from.'),
    ce_millraceoffset: wholeNumber('Offset of the input record that the record was made from.'),
    ce_millraceindex: wholeNumber('Place among the records that were made from that input record, from 0.'),
  })
  .describe('Headers of what a stage made: its source position, by which a reader knows repeats.')
