import { join } from 'node:path'
import { z } from 'zod'
import { withoutKind } from '../../kinds/index.ts'
import type { LogPlugin } from '../log.ts'
import { embeddedLogKeys } from './config.ts'
import { openEmbeddedLog } from './embedded.ts'
import { startNewEpoch } from './epoch.ts'

const schema = embeddedLogKeys.safeExtend({
  kind: z.literal('embedded').optional().describe('One file, log.sqlite in dataDir'),
})

export const embedded: LogPlugin<typeof schema> = {
  kind: 'embedded',
  schema,
  isShared: false,
  startNewEpoch: (dataDir) => startNewEpoch(join(dataDir, 'log.sqlite')),
  open: (config, { dataDir, logger, metrics }) =>
    openEmbeddedLog({ ...withoutKind(config), path: join(dataDir, 'log.sqlite') }, { log: logger, metrics }),
}
