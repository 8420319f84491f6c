/** Kafka record headers: CloudEvents 1.0 in binary mode, with the source position as extension attributes. Values are UTF-8 text. */
import { z } from 'zod'

const wholeNumber = (what: string) => z.string().regex(/^\d+$/).describe(`${what} Decimal digits.`)

export const headers = z
  .object({
    ce_specversion: z.literal('1.0').describe('Version of CloudEvents.'),
    ce_type: z
      .string()
      .regex(/^millrace\.\w+\.v1$/)
      .describe('Type of record: `millrace.<topic>.v1`.'),
    ce_source: z.string().startsWith('/millrace/').describe('`/millrace/<source log>/<topic>`; unique together with `ce_id`.'),
    ce_id: z.string().describe('`<source partition>/<source offset>/<index>`; a repeat of a record has the same.'),
    'content-type': z.literal('application/json').describe('What the value is.'),
    ce_millracelog: z
      .string()
      .describe('Id of the log that the record was made from. A log that was deleted and created again has a new id.'),
    ce_millracepartition: wholeNumber('Partition of the input that the record was made from.'),
    ce_millraceoffset: wholeNumber('Offset of the input record that the record was made from.'),
    ce_millraceindex: wholeNumber('Place among the records that were made from that input record, from 0.'),
  })
  .describe('CloudEvents attributes, and the source position, by which a reader knows repeats.')
