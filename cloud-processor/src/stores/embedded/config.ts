/** Configuration of the embedded store. */
import { z } from 'zod'

const retentionSchema = z
  .strictObject({
    days: z
      .int()
      .nonnegative()
      .default(400)
      .describe(
        'Whole UTC days older than this, by the ticks of the timeline, expire: their rows are removed and their counts move to `expired`. What comes later than that is counted as expired and not stored. 0: kept without limit.',
      ),
    rollUpDays: z
      .int()
      .nonnegative()
      .default(1830)
      .describe('Roll-ups of minutes, and gaps, are kept for so many days, and at least as long as the rows. 0: without limit.'),
    bytesMax: z
      .int()
      .min(2 ** 20)
      .default(20 * 2 ** 30)
      .describe(
        'While the file holds more, its oldest day expires with its roll-ups, and an event says so; the present day never does. Room that becomes free is used again: the file stays as long as it was.',
      ),
  })
  .prefault({})

/** What a configuration may say; where the file lies is `dataDir`. */
export const embeddedStoreKeys = z.strictObject({
  quietMinutes: z
    .number()
    .nonnegative()
    .default(10)
    .describe('An hour of a device is merged into compressed chunks when nothing was written into it for so long.'),
  mergeRows: z
    .int()
    .positive()
    .default(2000)
    .describe('An hour is merged before it is quiet when it holds so many unmerged batches.'),
  pointsMax: z
    .int()
    .positive()
    .default(1_000_000)
    .describe('Most points, or waveform samples, that one question is answered with.'),
  devicesInMemory: z.int().positive().default(2000).describe('Devices whose series are kept in memory for writing.'),
  retention: retentionSchema,
  eventsMax: z.int().positive().default(200_000).describe('Lines for people that are kept; older ones are dropped.'),
})

export const embeddedStoreSchema = embeddedStoreKeys.extend({
  path: z.string().default('data/store.sqlite').describe('The file. Its folder is made if missing.'),
})

export type EmbeddedStoreConfig = z.infer<typeof embeddedStoreSchema>
/** As a person writes it: every key may be left out. */
export type EmbeddedStoreOptions = z.input<typeof embeddedStoreSchema>
