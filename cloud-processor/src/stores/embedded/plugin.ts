import { join } from 'node:path'
import { z } from 'zod'
import { type Plugin, withoutKind } from '../../kinds/index.ts'
import type { Store } from '../store.ts'
import { embeddedStoreKeys } from './config.ts'
import { openEmbeddedStore } from './embedded.ts'

const schema = embeddedStoreKeys.safeExtend({
  kind: z.literal('embedded').optional().describe('One file, store.sqlite in dataDir'),
})

export const embedded: Plugin<Store, typeof schema> = {
  kind: 'embedded',
  schema,
  keptDays: ({ retention }) => retention.days,
  open: (config, { dataDir, logger, metrics, clock }) =>
    openEmbeddedStore({ ...withoutKind(config), path: join(dataDir, 'store.sqlite') }, { log: logger, metrics, clock }),
}
