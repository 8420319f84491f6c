import { z } from 'zod'
import type { Plugin } from '../../kinds/index.ts'
import type { Store } from '../store.ts'
import { influxStoreSchema } from './config.ts'
import { openInfluxStore } from './influxdb.ts'
import { setUpInfluxStore } from './setup.ts'

const schema = influxStoreSchema.safeExtend({
  kind: z.literal('influxdb').describe('InfluxDB, or what speaks its write API'),
})

export const influxdb: Plugin<Store, typeof schema> = {
  kind: 'influxdb',
  schema,
  open: (config, { logger, metrics, clock }) => openInfluxStore(config, { log: logger, metrics, clock }),
  async setUp(config, _context, say) {
    for (const line of await setUpInfluxStore(config)) say(line)
  },
}
