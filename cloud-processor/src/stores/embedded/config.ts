/** Configuration of the embedded store. */
import { z } from 'zod'

export const embeddedStoreSchema = z.object({
  path: z.string().default('data/store.sqlite').describe('The file. Its folder is made if missing.'),
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
  eventsMax: z.int().positive().default(200_000).describe('Lines for people that are kept; older ones are dropped.'),
})

export type EmbeddedStoreConfig = z.infer<typeof embeddedStoreSchema>
/** As a person writes it: every key may be left out. */
export type EmbeddedStoreOptions = z.input<typeof embeddedStoreSchema>
