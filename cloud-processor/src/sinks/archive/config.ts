/** Configuration of the sink into an archive. */
import { join } from 'node:path'
import { z } from 'zod'

export const archiveSinkSchema = z.strictObject({
  kind: z.literal('archive').describe('Parquet files in a folder, one for each UTC day and partition, with a manifest'),
  folder: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder of the archive, of this sink alone. Absent: `archive` in `dataDir`. A disk of its own spares log and store',
    ),
  everyMinutes: z
    .number()
    .min(0)
    .max(1440)
    .default(10)
    .describe(
      'Readings are published at the latest so long after they came, by the ticks of the timeline. Until then the log keeps them',
    ),
  rowsMax: z.int().min(1).max(5_000_000).default(100_000).describe('They are published earlier when so many rows wait'),
  samplesMax: z
    .int()
    .min(1)
    .max(50_000_000)
    .default(3_000_000)
    .describe('or so many waveform samples: together they bound the memory'),
  mergeAfterMinutes: z
    .number()
    .min(0)
    .default(60)
    .describe('The files of a day that is complete are merged into one when none was added for so long'),
})

export type ArchiveSinkConfig = z.output<typeof archiveSinkSchema>

export const folderOf = ({ folder }: Pick<ArchiveSinkConfig, 'folder'>, dataDir: string): string =>
  folder ?? join(dataDir, 'archive')
