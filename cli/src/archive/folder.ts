/** Which archive a command means: the folder that it is given, or that of the sink in the processor's configuration. */
import { join } from 'node:path'
import { loadConfig, MillraceError } from '@millrace/platform'

interface Given {
  archive?: string | undefined
  config?: string | undefined
  data: string
}

/** @throws MillraceError ARCHIVE_NONE */
export async function archiveFolder({ archive, config, data }: Given): Promise<string> {
  if (archive !== undefined) return archive
  const { processorSchema } = await import('@millrace/cloud-processor/config')
  const { folderIn } = await import('@millrace/cloud-processor/archive')
  const path = config ?? join(data, 'processor.yaml')
  const processor = loadConfig(processorSchema, path, process.env)
  const folder = folderIn(processor)
  if (folder === undefined) throw new MillraceError('ARCHIVE_NONE', { path: join(processor.dataDir, 'archive') })
  return folder
}
