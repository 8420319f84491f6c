import type { Plugin } from '../../kinds/index.ts'
import type { Sink } from '../sink.ts'
import { openArchiveSink } from './archive.ts'
import { archiveSinkSchema, folderOf } from './config.ts'

export const archive: Plugin<Sink, typeof archiveSinkSchema> = {
  kind: 'archive',
  schema: archiveSinkSchema,
  open: async (config, context) => openArchiveSink({ ...config, folder: folderOf(config, context.dataDir) }, context),
}
